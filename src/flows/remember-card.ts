import { type CardFacts, cardFactsOf, identifyCard } from '../core/card.ts'
import { isByIssuer } from '../core/decline.ts'
import { declineOf } from '../core/evidence.ts'
import type { ChargeMethod } from '../core/method.ts'
import type { Money } from '../core/money.ts'
import type { InstrumentSeen, Outcome } from '../core/outcome.ts'
import type { AttemptStatus } from '../core/payment.ts'
import { bansCard, schemeDays } from '../core/scheme.ts'
import type { AttemptRow } from '../db/attempts.ts'
import {
  banCard,
  type CardKnown,
  cardByName,
  countCardDecline,
  mergeCards,
  nameCard,
  namesInUse,
  saveCard,
} from '../db/cards.ts'
import type { Tx } from '../db/client.ts'
import type { CascadeInput } from '../router/cascade.ts'
import type { RouteFacts } from '../router/plan.ts'
import type { Cipher, Deps } from './deps.ts'

type Indexed = Pick<Cipher, 'blindIndex'>

/** The name of a card by its token: a keyed hash, so that nobody reads the token or guesses at it from the database. */
const nameOfToken = (cipher: Indexed, operatorId: string, token: string): Promise<string> =>
  cipher.blindIndex(`token:${token}`, `${operatorId}|card`)

const nameOfPrint = (cipher: Indexed, operatorId: string, processor: string, print: string): Promise<string> =>
  cipher.blindIndex(`fingerprint:${processor}:${print}`, `${operatorId}|card`)

/** What a plan may know of a card: what its processors told before the operator's hint, and its declines. */
export function cardInPlan(
  known: CardKnown | undefined,
  hint: CardFacts = {},
): Pick<RouteFacts, 'brand' | 'funding' | 'binCountry' | 'cardDeclines'> {
  const { brand, funding, country } = { ...hint, ...known?.facts }
  return {
    ...(brand !== undefined && { brand }),
    ...(funding !== undefined && { funding }),
    ...(country !== undefined && { binCountry: country }),
    ...(known && { cardDeclines: known.declines }),
  }
}

/** The card that a payment names by its token, as plans for its amount see it; undefined where it names none. */
export async function knownCard(
  tx: Tx,
  cipher: Indexed,
  order: {
    readonly operatorId: string
    readonly amount: Money
    readonly method: { readonly type: string; readonly token?: string }
  },
  nowMs: number,
): Promise<CardKnown | undefined> {
  const { operatorId, amount, method } = order
  if (method.type !== 'card' || method.token === undefined) return undefined
  const name = await nameOfToken(cipher, operatorId, method.token)
  return cardByName(tx, operatorId, { name, amount, days: schemeDays(nowMs) })
}

type Tried = Pick<AttemptRow, 'operatorId' | 'processor' | 'asset' | 'amount'>

/**
 * Keeps what an attempt told of its card, and counts its decline when the issuer spoke. In the transaction that settles
 * the attempt, so each is counted once. Gives what the scheme's guard of a cascade goes by, after a counted decline.
 */
export async function learnOfCard(
  tx: Tx,
  { cipher, clock }: Pick<Deps, 'cipher' | 'clock'>,
  { attempt, outcome, to }: { attempt: Tried; outcome: Outcome; to: AttemptStatus },
  method: ChargeMethod | null,
): Promise<CascadeInput['card']> {
  const seen = 'instrument' in outcome ? outcome.instrument : undefined
  const code = to === 'declined' ? declineOf(outcome)?.code : undefined
  const counts = code !== undefined && isByIssuer(code)
  if (method?.type !== 'card' || (!seen && !counts)) return undefined
  const { operatorId, processor, asset, amount: minor } = attempt
  const nowMs = clock.nowMs()
  const days = schemeDays(nowMs)
  const names = await namesOf(cipher, operatorId, { processor, token: method.token, seen })
  const card = await recognise(tx, operatorId, { names, processor, facts: cardFactsOf(seen ?? {}), today: days.today })
  if (!counts) return undefined
  const amount = { asset, minor }
  await countCardDecline(tx, operatorId, card, { amount, today: days.today })
  if (bansCard(code)) await banCard(tx, operatorId, card, new Date(nowMs))
  const known = await cardByName(tx, operatorId, { name: names.token, amount, days })
  const { brand, cardDeclines } = cardInPlan(known, method.hint)
  return cardDeclines && { ...cardDeclines, ...(brand !== undefined && { brand }) }
}

/** A card's names in one attempt: the token that was sent, the one that the processor keeps it under, its fingerprint. */
type Names = { readonly token: string; readonly kept: string | undefined; readonly fingerprint: string | undefined }

async function namesOf(
  cipher: Indexed,
  operatorId: string,
  { processor, token, seen }: { processor: string; token: string; seen: InstrumentSeen | undefined },
): Promise<Names> {
  const print = seen?.fingerprint
  return {
    token: await nameOfToken(cipher, operatorId, token),
    // A saved instrument pays by it from now on.
    kept: seen?.token === undefined ? undefined : await nameOfToken(cipher, operatorId, seen.token),
    fingerprint: print === undefined ? undefined : await nameOfPrint(cipher, operatorId, processor, print),
  }
}

/** Finds or makes the card that is meant by the names, gives it all of them, and keeps what is newly told of it. */
async function recognise(
  tx: Tx,
  operatorId: string,
  { names, processor, facts, today }: { names: Names; processor: string; facts: CardFacts; today: string },
): Promise<string> {
  const { token, kept, fingerprint } = names
  // In one order for everybody: two settlements of one card wait for each other instead of for ever.
  const all = [...new Set([token, kept, fingerprint].filter((name) => name !== undefined))].sort()
  const inUse = await namesInUse(tx, operatorId, all, { processor, fingerprint })
  const byName = new Map(inUse.map((one) => [one.name, one]))
  const { card: found, absorbs } = identifyCard({
    byToken: byName.get(token)?.cardId,
    byFingerprint: fingerprint === undefined ? undefined : byName.get(fingerprint)?.cardId,
    renewed: byName.get(token)?.renewed ?? false,
  })
  const card = found ?? fingerprint ?? token
  const stored = inUse.find(({ cardId }) => cardId === card)?.facts
  if (stored === undefined || isNews(stored, facts)) await saveCard(tx, operatorId, card, facts)
  if (absorbs !== undefined) await mergeCards(tx, operatorId, absorbs, card)
  for (const name of all) {
    const known = byName.get(name)
    if (known?.cardId === card && known.seenOn === today) continue
    await nameCard(tx, operatorId, card, { name, processor: name === fingerprint ? processor : null, today })
  }
  return card
}

const isNews = (stored: CardFacts, { brand, funding, country }: CardFacts): boolean =>
  (brand ?? stored.brand) !== stored.brand ||
  (funding ?? stored.funding) !== stored.funding ||
  (country ?? stored.country) !== stored.country
