import { ASSETS } from '../core/currencies.ts'
import { type Box, stretchOf, valuesOf } from './boxes.ts'
import { FIELDS, type RouteFacts } from './fields.ts'
import { type Candidate, ineligible } from './plan.ts'
import { ABSENT, intersect, isEmpty, numbers, only, type ValueSet } from './sets.ts'

/**
 * Payments that stand for all others as far as connections can tell them apart: countries and currencies that every
 * connection treats alike are one, and amounts are tried on both sides of every bound. So "no payment is left without a
 * route" is found out by trying some hundreds of payments, and each counter-example is a payment that exists.
 */

/** More than this is no longer looked through for one rule. */
const MAX_SAMPLES = 20_000
const METHODS = ['card', 'wallet', 'bank', 'crypto'] as const
const DIRECTIONS = ['deposit', 'withdrawal'] as const
/** What a large payment may be when nobody set a bound: ten thousand of the major unit. */
const LARGE_MAJOR = 10_000n

/** The classes of countries, assets and licences that an operator's connections tell apart. */
export type Classes = {
  readonly countries: readonly (readonly string[])[]
  readonly assets: readonly (readonly string[])[]
  readonly licences: readonly string[]
}

const covers = (list: readonly string[] | 'all' | undefined, value: string): boolean =>
  list === undefined || list === 'all' || list.includes(value)

/** Sorts countries and assets into classes. */
export function classesOf(candidates: readonly Candidate[]): Classes {
  const countries = [...(FIELDS.player_country?.domain ?? [])]
  const countryMark = (country: string) =>
    candidates
      .map(({ connection, facts }) =>
        [
          covers(connection.limits.countries, country),
          ...METHODS.map((method) => covers(facts.methods[method]?.countries, country)),
        ]
          .map(Number)
          .join(''),
      )
      .join('|')
  const assetMark = ({ code, currency, network }: (typeof ASSETS)[number]) =>
    candidates
      .map(({ connection, facts }) =>
        [
          ...METHODS.map((method) => {
            const list = facts.methods[method]?.currencies
            return covers(list, code) || covers(list, currency)
          }).map(Number),
          // A bound makes an asset a class of its own.
          ...(connection.limits.amounts ?? []).filter(({ asset }) => asset === code).map(() => code),
          network === undefined ? 'fiat' : 'coin',
        ].join(','),
      )
      .join('|')
  return {
    countries: grouped(countries, countryMark),
    assets: grouped(ASSETS, assetMark).map((group) => group.map(({ code }) => code)),
    licences: [...new Set(candidates.flatMap(({ connection }) => connection.limits.licences ?? []))],
  }
}

function grouped<T>(items: readonly T[], markOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const mark = markOf(item)
    const group = groups.get(mark)
    if (group) group.push(item)
    else groups.set(mark, [item])
  }
  return [...groups.values()]
}

const has = (set: ValueSet, word: string): boolean => !isEmpty(intersect(set, only(word)))

/** Amounts of one asset in a box: both sides of each bound that a connection sets, and the ends of the box's own spans. */
function amountsIn(box: Box, asset: string, candidates: readonly Candidate[]): bigint[] {
  const [start, end] = stretchOf(asset)
  const inAsset = intersect(valuesOf(box, 'amount'), numbers([start + 1n, end]))
  if (inAsset.kind !== 'numbers') return []
  const exponent = ASSETS.find(({ code }) => code === asset)?.exponent ?? 2
  const bounds = candidates.flatMap(({ connection }) =>
    (connection.limits.amounts ?? [])
      .filter((limit) => limit.asset === asset)
      .flatMap(({ min, max }) => [
        ...(min === undefined ? [] : [min, min - 1n]),
        ...(max === undefined ? [] : [max, max + 1n]),
      ]),
  )
  const points = new Set<bigint>()
  for (const [low, high] of inAsset.spans) {
    const usual = [high === end ? start + LARGE_MAJOR * 10n ** BigInt(exponent) : high, low]
    for (const point of [...usual, ...bounds.map((amount) => start + amount)]) {
      if (point >= low && point <= high) points.add(point - start)
    }
  }
  return [...points]
}

/** Payments that stand for all those in the boxes that at least one connection can take. */
export function* samplesOf(
  boxes: readonly Box[],
  candidates: readonly Candidate[],
  classes: Classes,
): Generator<RouteFacts> {
  const through = candidates.map(({ connection }) => connection.id)
  let made = 0
  for (const box of boxes) {
    const countries = classes.countries.flatMap((group) => {
      const one = group.find((country) => has(valuesOf(box, 'player_country'), country))
      return one === undefined ? [] : [one]
    })
    const licenceSet = valuesOf(box, 'licence')
    const licences = [...classes.licences, ABSENT].filter((licence) => has(licenceSet, licence))
    const payments = classes.assets.flatMap((group) => paymentsIn(box, group, candidates))
    for (const { direction, method, asset, minor } of payments) {
      for (const playerCountry of countries) {
        for (const licence of licences.length > 0 ? licences : [ABSENT]) {
          made += 1
          if (made > MAX_SAMPLES) return
          const facts: RouteFacts = {
            direction,
            method,
            amount: { asset, minor },
            playerId: 'sample',
            playerCountry,
            atMs: 0,
            depositedThrough: through,
            ...(licence !== ABSENT && { licence }),
          }
          if (candidates.some((candidate) => ineligible(candidate, facts) === undefined)) yield facts
        }
      }
    }
  }
}

function paymentsIn(box: Box, group: readonly string[], candidates: readonly Candidate[]) {
  const directions = DIRECTIONS.filter((direction) => has(valuesOf(box, 'direction'), direction))
  const methods = METHODS.filter((method) => has(valuesOf(box, 'method'), method))
  for (const asset of group) {
    const amounts = amountsIn(box, asset, candidates)
    if (amounts.length === 0) continue
    // A coin moves on its network only, and a currency never does.
    const coin = ASSETS.find(({ code }) => code === asset)?.network !== undefined
    return directions.flatMap((direction) =>
      methods
        .filter((method) => (method === 'crypto') === coin)
        .flatMap((method) => amounts.map((minor) => ({ direction, method, asset, minor }))),
    )
  }
  return []
}
