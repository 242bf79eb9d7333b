import type { CardFacts } from '../core/card.ts'
import type { Money } from '../core/money.ts'
import type { CardDeclines } from '../core/scheme.ts'
import type { Tx } from './client.ts'

/** What is known of a card: its facts, and its declines as the schemes count them. */
export type CardKnown = { readonly facts: CardFacts; readonly declines: CardDeclines }

/** Days (UTC, `2026-11-25`): today, and the oldest that the schemes' window reaches into. */
type Days = { readonly today: string; readonly since: string }

type Told = { brand: string | null; funding: string | null; country: string | null }

const factsOf = ({ brand, funding, country }: Told): CardFacts => ({
  ...(brand !== null && { brand }),
  ...(funding !== null && { funding }),
  ...(country !== null && { country }),
})

/** The card of a name with its declines, or undefined. On the way of every card deposit: three primary keys, no scan. */
export async function cardByName(
  tx: Tx,
  operatorId: string,
  { name, amount, days: { today, since } }: { name: string; amount: Money; days: Days },
): Promise<CardKnown | undefined> {
  const [row] = await tx<(Told & { banned: boolean; same: number; today: number })[]>`
    select c.brand, c.funding, c.country, c.banned_at is not null as banned, d.same, d.today
    from card_name n
    join card c on c.operator_id = n.operator_id and c.id = n.card_id
    cross join lateral (
      select coalesce(sum(declines) filter (where asset = ${amount.asset} and amount = ${amount.minor}), 0)::int as same,
        coalesce(sum(declines) filter (where day = ${today}::date), 0)::int as today
      from card_decline where operator_id = n.operator_id and card_id = c.id and day >= ${since}::date) d
    where n.operator_id = ${operatorId} and n.name = ${name}`
  if (row === undefined) return undefined
  const declines = { sameAmount30Days: row.same, today: row.today, ...(row.banned && { banned: true as const }) }
  return { facts: factsOf(row), declines }
}

/** A name in use. `renewed`: its card has another fingerprint at the processor that was asked about. */
export type NameInUse = {
  readonly name: string
  readonly cardId: string
  readonly seenOn: string
  readonly renewed: boolean
  readonly facts: CardFacts
}

/** Those of the names that are known. `fingerprint` is the name that `processor` gave now, if it gave one. */
export async function namesInUse(
  tx: Tx,
  operatorId: string,
  names: readonly string[],
  { processor, fingerprint }: { processor: string; fingerprint: string | undefined },
): Promise<NameInUse[]> {
  const rows = await tx<(Told & Omit<NameInUse, 'facts'>)[]>`
    select n.name, n.card_id, n.seen_on::text, c.brand, c.funding, c.country,
      ${fingerprint ?? null}::text is not null and exists (select from card_name o
        where o.operator_id = n.operator_id and o.card_id = n.card_id and o.processor = ${processor}
          and o.name <> ${fingerprint ?? null}) as renewed
    from card_name n join card c on c.operator_id = n.operator_id and c.id = n.card_id
    where n.operator_id = ${operatorId} and n.name in ${tx([...names])}`
  return rows.map(({ name, cardId, seenOn, renewed, ...told }) => ({
    name,
    cardId,
    seenOn,
    renewed,
    facts: factsOf(told),
  }))
}

/** Stores a card, or what is newly told of one. */
export async function saveCard(tx: Tx, operatorId: string, id: string, facts: CardFacts): Promise<void> {
  const { brand = null, funding = null, country = null } = facts
  await tx`
    insert into card (operator_id, id, brand, funding, country)
    values (${operatorId}, ${id}, ${brand}, ${funding}, ${country})
    on conflict (operator_id, id) do update set brand = coalesce(excluded.brand, card.brand),
      funding = coalesce(excluded.funding, card.funding), country = coalesce(excluded.country, card.country)`
}

/** Makes a name the card's, whosever it was before. */
export async function nameCard(
  tx: Tx,
  operatorId: string,
  cardId: string,
  { name, processor, today }: { name: string; processor: string | null; today: string },
): Promise<void> {
  await tx`
    insert into card_name (operator_id, name, card_id, processor, seen_on)
    values (${operatorId}, ${name}, ${cardId}, ${processor}, ${today}::date)
    on conflict (operator_id, name) do update set card_id = excluded.card_id, seen_on = excluded.seen_on`
}

/** Two rows turn out to be one card: `into` takes the names, declines and ban of `from`, which is gone then. */
export async function mergeCards(tx: Tx, operatorId: string, from: string, into: string): Promise<void> {
  await tx`update card_name set card_id = ${into} where operator_id = ${operatorId} and card_id = ${from}`
  await tx`
    with moved as (delete from card_decline where operator_id = ${operatorId} and card_id = ${from}
      returning day, asset, amount, declines)
    insert into card_decline (operator_id, card_id, day, asset, amount, declines)
    select ${operatorId}, ${into}, day, asset, amount, declines from moved
    on conflict (operator_id, card_id, day, asset, amount) do update set
      declines = card_decline.declines + excluded.declines`
  await tx`
    with gone as (delete from card where operator_id = ${operatorId} and id = ${from} returning banned_at)
    update card set banned_at = coalesce(card.banned_at, gone.banned_at) from gone
    where operator_id = ${operatorId} and id = ${into}`
}

/** Counts a decline of a card by its issuer. Once per attempt: call it in the transaction that settles it. */
export async function countCardDecline(
  tx: Tx,
  operatorId: string,
  cardId: string,
  { amount, today }: { amount: Money; today: string },
): Promise<void> {
  await tx`
    insert into card_decline (operator_id, card_id, day, asset, amount, declines)
    values (${operatorId}, ${cardId}, ${today}::date, ${amount.asset}, ${amount.minor}, 1)
    on conflict (operator_id, card_id, day, asset, amount) do update set declines = card_decline.declines + 1`
}

/** Keeps that a card's issuer wants no further try. */
export async function banCard(tx: Tx, operatorId: string, cardId: string, at: Date): Promise<void> {
  await tx`
    update card set banned_at = ${at} where operator_id = ${operatorId} and id = ${cardId} and banned_at is null`
}

/** Drops declines that no window reaches, and cards that were not seen since a day, at most `max` names of them. */
export async function pruneCards(
  tx: Tx,
  operatorId: string,
  { declinesBefore, seenBefore, max }: { declinesBefore: string; seenBefore: string; max: number },
): Promise<void> {
  await tx`delete from card_decline where operator_id = ${operatorId} and day < ${declinesBefore}::date`
  const forgotten = await tx<{ cardId: string }[]>`
    delete from card_name where operator_id = ${operatorId} and name in (
      select name from card_name where operator_id = ${operatorId} and seen_on < ${seenBefore}::date
      order by seen_on limit ${max})
    returning card_id`
  if (forgotten.length === 0) return
  const ids = [...new Set(forgotten.map(({ cardId }) => cardId))]
  await tx`
    delete from card c where operator_id = ${operatorId} and id in ${tx(ids)}
      and not exists (select from card_name n where n.operator_id = c.operator_id and n.card_id = c.id)`
}
