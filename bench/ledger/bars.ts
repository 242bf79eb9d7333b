import { type Bar, median, type Row } from './measure.ts'

/** What a verification at the end found. */
type Verified = { readonly transfers: number; readonly seconds: number; readonly problems: readonly unknown[] }

/** The goals, each against what was seen. A goal whose rows were not measured (quick mode) is left out. */
export function barsOf(rows: readonly Row[], verified: Verified): Bar[] {
  const is =
    (design: string, accounts: string, callers: number, stored = 0) =>
    (row: Row) =>
      row.design === design && row.accounts === accounts && row.callers === callers && row.stored === stored
  const find = (...which: Parameters<typeof is>) => rows.find(is(...which))
  // growth is held against the best that was measured at an empty ledger, at the start and again before the growth
  const best = (...which: Parameters<typeof is>) =>
    rows.filter(is(...which)).toSorted((a, b) => b.perSecond - a.perSecond)[0]
  const combined = find('combiner', 'random', 64)
  const hot = find('combiner', 'hot', 64)
  const post = find('post', 'random', 64)
  const book = find('textbook', 'random', 64)
  const ratio = (name: string, one: Row | undefined, other: Row | undefined, least: number): Bar[] =>
    one && other ? [share(name, sharesOf(one, other), least)] : []
  // with few rounds for each number of callers and rates that jump, all of them together tell more than those of one number
  const crowds = rows
    .filter(({ design, stored, callers }) => design === 'raw insert' && stored === 0 && callers >= SMALLEST_CROWD)
    .flatMap((one) => {
      const other = find('post', 'random', one.callers)
      return other ? sharesOf(other, one) : []
    })
  return [
    ...(combined
      ? [
          bar('combiner, 64 callers, transfers/s', '≥ 10000', combined.perSecond, combined.perSecond >= 10_000),
          bar('combiner, 64 callers, p99 ms', '< 20', combined.p99Ms, combined.p99Ms < 20),
        ]
      : []),
    ...ratio('combiner, hot account against random', hot, combined, 0.8),
    share(`single post against raw insert, ${SMALLEST_CROWD} and more callers`, crowds, 0.4),
    ...ratio('single post against the textbook', post, book, 1),
    ...ratio('combiner against the textbook', combined, book, 1),
    ...ratio(
      'combiner at 10 million stored',
      find('combiner', 'random', 64, 10_000_000),
      best('combiner', 'random', 64),
      0.75,
    ),
    ...ratio(
      'combiner, hot account, at 10 million stored',
      find('combiner', 'hot', 64, 10_000_000),
      best('combiner', 'hot', 64),
      0.75,
    ),
    ...ratio(
      'single post at 10 million stored',
      find('post', 'random', 64, 10_000_000),
      best('post', 'random', 64),
      0.75,
    ),
    bar(
      `verify of ${verified.transfers} transfers, problems`,
      '0',
      `${verified.problems.length} in ${verified.seconds} s`,
      verified.problems.length === 0,
    ),
    bar(
      'errors',
      '0',
      rows.reduce((sum, { errors }) => sum + errors, 0),
      rows.every(({ errors }) => errors === 0),
    ),
  ]
}

/** With fewer callers the way to the database and back is most of what is measured. */
const SMALLEST_CROWD = 8

/** How much of the other's rate one has: round by round where both were measured in the same ones, and so met the same minute of the machine. */
const sharesOf = (one: Row, other: Row): readonly number[] =>
  one.stored === other.stored
    ? one.rounds.map((rate, round) => rate / (other.rounds[round] ?? Number.NaN))
    : [one.perSecond / other.perSecond]

function share(name: string, shares: readonly number[], least: number): Bar {
  const seen = median(shares, (one) => one) ?? Number.NaN
  return { name, goal: `≥ ${least * 100} %`, seen: `${Math.round(100 * seen)} %`, ok: seen >= least }
}

const bar = (name: string, goal: string, seen: number | string, ok: boolean): Bar => ({
  name,
  goal,
  seen: String(seen),
  ok,
})
