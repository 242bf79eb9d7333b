/**
 * Sets of the values that a fact can have, exact, with the operations that the analyser needs: words (with `ABSENT` for
 * a fact that isn't known), and whole numbers as ascending, disjoint intervals with both ends in.
 */

/** Stands among words for "not known"; no word of a rule has a NUL in it. */
export const ABSENT = '\u0000absent'

/** Words in (`but` false) or all words but those (`but` true). */
export type Words = { readonly kind: 'words'; readonly but: boolean; readonly words: ReadonlySet<string> }
/** Whole numbers, by intervals. */
export type Numbers = { readonly kind: 'numbers'; readonly spans: readonly Span[] }
/** One interval, both ends in. */
export type Span = readonly [bigint, bigint]
/** A set of either kind; a dimension of the analyser has one kind for ever. */
export type ValueSet = Words | Numbers

/** Just these words. */
export const only = (...words: string[]): Words => ({ kind: 'words', but: false, words: new Set(words) })
/** All words but these. */
export const allBut = (...words: string[]): Words => ({ kind: 'words', but: true, words: new Set(words) })
/** The numbers of these intervals, which ascend and don't touch each other's insides. */
export const numbers = (...spans: Span[]): Numbers => ({
  kind: 'numbers',
  spans: spans.filter(([low, high]) => low <= high),
})

/** True when nothing is in it. */
export const isEmpty = (set: ValueSet): boolean =>
  set.kind === 'words' ? !set.but && set.words.size === 0 : set.spans.length === 0

/** What is in both. */
export function intersect(a: ValueSet, b: ValueSet): ValueSet {
  if (a.kind === 'words' && b.kind === 'words') return intersectWords(a, b)
  if (a.kind === 'numbers' && b.kind === 'numbers') return intersectNumbers(a, b)
  throw new Error('sets of two kinds')
}

/** What is in `a` and not in `b`. */
export function without(a: ValueSet, b: ValueSet): ValueSet {
  if (b.kind === 'words') return intersect(a, { ...b, but: !b.but })
  if (a.kind !== 'numbers') throw new Error('sets of two kinds')
  return b.spans.reduce<Numbers>((left, [low, high]) => {
    const spans = left.spans.flatMap(([from, to]): Span[] => {
      if (high < from || low > to) return [[from, to]]
      const rest: Span[] = [
        [from, low - 1n],
        [high + 1n, to],
      ]
      return rest.filter(([start, end]) => start <= end)
    })
    return { kind: 'numbers', spans }
  }, a)
}

function intersectWords(a: Words, b: Words): Words {
  if (a.but && b.but) return { kind: 'words', but: true, words: new Set([...a.words, ...b.words]) }
  if (a.but) return intersectWords(b, a)
  return { kind: 'words', but: false, words: new Set([...a.words].filter((word) => b.words.has(word) !== b.but)) }
}

function intersectNumbers(a: Numbers, b: Numbers): Numbers {
  const spans: Span[] = []
  for (const [fromA, toA] of a.spans) {
    for (const [fromB, toB] of b.spans) {
      const low = fromA > fromB ? fromA : fromB
      const high = toA < toB ? toA : toB
      if (low <= high) spans.push([low, high])
    }
  }
  return { kind: 'numbers', spans: spans.sort(([left], [right]) => (left < right ? -1 : 1)) }
}
