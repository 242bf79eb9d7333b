import type { Facts } from '../../src/adapters/contract.ts'
import type { Candidate, RouteFacts } from '../../src/router/plan.ts'
import type { Ruleset } from '../../src/router/rules.ts'

/** `count` rules of six tests each, of which only the last fits the payment: the worst case of "first match wins". Every test but the last of each rule holds, so none is got rid of early. */
export function rulesOf(count: number): Ruleset {
  return {
    language: 1,
    rules: Array.from({ length: count }, (_, index) => ({
      id: `r${index}`,
      when: {
        op: 'and',
        of: [
          { op: 'eq', field: 'method', value: 'card' },
          { op: 'in', field: 'currency', values: ['EUR', 'SEK', 'NOK'] },
          { op: 'in', field: 'player_country', values: ['FI', 'SE', 'NO', 'DE'] },
          { op: 'gte', field: 'amount', value: '10.00 EUR' },
          { op: 'lt', field: 'deposits_so_far', value: 1_000 },
          { op: 'eq', field: 'segment', value: index === count - 1 ? 'vip' : `segment-${index}` },
        ],
      },
      use: { strategy: 'ordered', connections: '*' },
    })),
    default: { strategy: 'ordered', connections: '*' },
  }
}

/** The same shape with no test in two rules. Every test but the last of each rule holds here, too. */
export function variedRulesOf(count: number): Ruleset {
  const base = rulesOf(count)
  return {
    ...base,
    rules: base.rules.map((rule, index) => ({
      ...rule,
      when: {
        op: 'and',
        of: [
          { op: 'not_in', field: 'method', values: ['bank', `rail-${index}`] },
          { op: 'in', field: 'currency', values: ['EUR', 'SEK', `C${index}`] },
          { op: 'in', field: 'player_country', values: ['FI', 'SE', 'NO', `X${index}`] },
          { op: 'gte', field: 'amount', value: `10.${String(index % 100).padStart(2, '0')} EUR` },
          { op: 'lt', field: 'deposits_so_far', value: 1_000 + index },
          { op: 'eq', field: 'segment', value: index === count - 1 ? 'vip' : `segment-${index}` },
        ],
      },
    })),
  }
}

/** The payment that fits the last rule. */
export const PAYMENT: RouteFacts = {
  direction: 'deposit',
  method: 'card',
  amount: { asset: 'EUR', minor: 5_000n },
  playerId: 'player-1',
  playerCountry: 'FI',
  segment: 'vip',
  depositsSoFar: 3,
  atMs: Date.UTC(2026, 10, 23, 12),
}

/** The same payment for engines that know no bigint and no assets: a generous reading, in plain numbers. */
export const PLAIN_PAYMENT = {
  method: 'card',
  currency: 'EUR',
  player_country: 'FI',
  amount: 5_000,
  deposits_so_far: 3,
  segment: 'vip',
}

/** The same rules for json-logic-js: one expression that answers with the rule's index. */
export const jsonLogicOf = (count: number): unknown => ({
  if: [
    ...Array.from({ length: count }, (_, index) => [
      {
        and: [
          { '===': [{ var: 'method' }, 'card'] },
          { in: [{ var: 'currency' }, ['EUR', 'SEK', 'NOK']] },
          { in: [{ var: 'player_country' }, ['FI', 'SE', 'NO', 'DE']] },
          { '>=': [{ var: 'amount' }, 1_000] },
          { '<': [{ var: 'deposits_so_far' }, 1_000] },
          { '===': [{ var: 'segment' }, index === count - 1 ? 'vip' : `segment-${index}`] },
        ],
      },
      index,
    ]).flat(),
    -1,
  ],
})

/** The same rules for json-rules-engine. */
export const engineRulesOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    conditions: {
      all: [
        { fact: 'method', operator: 'equal', value: 'card' },
        { fact: 'currency', operator: 'in', value: ['EUR', 'SEK', 'NOK'] },
        { fact: 'player_country', operator: 'in', value: ['FI', 'SE', 'NO', 'DE'] },
        { fact: 'amount', operator: 'greaterThanInclusive', value: 1_000 },
        { fact: 'deposits_so_far', operator: 'lessThan', value: 1_000 },
        { fact: 'segment', operator: 'equal', value: index === count - 1 ? 'vip' : `segment-${index}` },
      ],
    },
    event: { type: String(index) },
  }))

/** Accounts at as many made-up processors, each with lists to look through and a bound on the amount. */
export function candidatesOf(count: number): Candidate[] {
  const can = {
    deposit: true,
    withdraw: true,
    refund: true,
    currencies: ['USD', 'GBP', 'SEK', 'NOK', 'EUR'],
    countries: ['DE', 'NO', 'SE', 'FI'],
  }
  return Array.from({ length: count }, (_, index) => {
    const facts: Facts = {
      id: `processor_${index}`,
      title: `Processor ${index}`,
      source: 'made up for the bench',
      methods: { card: can, bank: can },
      idempotency: { by: 'header', header: 'Idempotency-Key', windowHours: 24 },
      unknownResolvedBy: 'find',
      notFoundIsFinalAfterMs: null,
      vouchedRejections: {},
      timeoutMs: 10_000,
    }
    const amounts = [{ direction: 'deposit', asset: 'EUR', min: 100n, max: 1_000_000n } as const]
    const connection = {
      id: `con_${index}`,
      processor: facts.id,
      label: `Account ${index}`,
      enabled: true,
      limits: { amounts },
    }
    return { connection, facts }
  })
}
