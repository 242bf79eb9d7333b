/**
 * Whether two spellings can be one person's name: letters folded to their base form, order and missing middle names
 * don't matter. Kept strict: what it can't match goes to people, never to the bin.
 */
export function sameName(a: string, b: string): boolean {
  const [short, long] = [tokens(a), tokens(b)].sort((x, y) => x.length - y.length)
  // One shared word (a first name alone) is not a person.
  if (!short || !long || short.length < 2) return tokens(a).join(' ') === tokens(b).join(' ')
  return short.every((token) => long.includes(token))
}

/** Letters that Unicode does not decompose but people write both ways. */
const FOLDED: Readonly<Record<string, string>> = { ø: 'o', æ: 'ae', œ: 'oe', ß: 'ss', ł: 'l', đ: 'd', þ: 'th', ı: 'i' }

function tokens(name: string): string[] {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[øæœßłđþı]/g, (letter) => FOLDED[letter] ?? letter)
    .split(/[^\p{L}\p{N}]+/u)
    .filter((token) => token !== '')
}
