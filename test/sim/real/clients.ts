import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { createClient } from '../../../src/auth/clients.ts'
import { SCOPES } from '../../../src/auth/scopes.ts'
import { newId } from '../../support/access.ts'
import type { Chance } from '../scheduler.ts'
import type { Order } from '../story.ts'
import type { Site } from './site.ts'
import { IBAN } from './witness.ts'

/** A client waits so long for an answer before it asks again. */
const PATIENCE_MS = 6_000

const Token = z.object({ access_token: z.string() })
const Seen = z.object({ id: z.string(), status: z.string() })

/** Who may call: the secret that was given to it, and a token that it got for it. */
export type Person = { readonly secret: string; readonly token: string }

/** Two people; the first is the clients' too. */
export async function twoPeople(site: Site, seed: number): Promise<readonly Person[]> {
  const clock = { nowMs: () => Date.now() }
  const scopes = SCOPES.filter((scope) => scope !== 'cashier')
  const made = await Promise.all(
    ['one', 'two'].map((name) =>
      createClient(
        { db: site.field.db, newId, clock },
        { operatorId: site.operatorId, name: `${name} ${seed}`, scopes },
      ),
    ),
  )
  return Promise.all(
    made.map(async ({ clientId, clientSecret }) => {
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
      })
      const answer = await fetch(`${site.url}/oauth/token`, { method: 'POST', body })
      return { secret: clientSecret, token: Token.parse(await answer.json()).access_token }
    }),
  )
}

/** The magic cents of the sandbox, so that every kind of answer comes. */
const CENTS = ['00', '10', '20', '05', '51', '41', '91', '68', '69', '99', '77', '52']

/** A payout that is never answered and never taken is tried again for a day: too long for a run. */
const PAYOUT_CENTS = CENTS.filter((cents) => cents !== '69')

/** Orders of one client that may wait for their answers: the keys that a killed gateway held are leased for half a minute. */
const MAX_WAITING = 25

/** A client that pays in, out and asks back until it is over: the next order doesn't wait for the answer to the last. */
export async function client(
  site: Site,
  [token = '']: readonly string[],
  random: Chance,
  orders: Order[],
  over: () => boolean,
  name: string,
): Promise<void> {
  const waiting = new Set<Promise<void>>()
  for (let n = 0; !over(); n += 1) {
    const key = `key-${name}-${n}-0123456789`
    const told = oneOrder(site, token, random, orders, key).finally(() => waiting.delete(told))
    waiting.add(told)
    await wait(random.between(100, 700))
    if (waiting.size >= MAX_WAITING) await Promise.race(waiting)
  }
  await Promise.all(waiting)
}

async function oneOrder(site: Site, token: string, random: Chance, orders: Order[], key: string): Promise<void> {
  const verb = random.of(0.35) ? 'withdrawal' : 'deposit'
  const amount = `${random.between(1, 90)}.${random.pick(verb === 'deposit' ? CENTS : PAYOUT_CENTS)}`
  const order: Order = { verb, key, minor: BigInt(amount.replace('.', '')), answers: [], id: undefined }
  orders.push(order)
  const base = { player_id: 'p1', amount, currency: 'EUR', reference: `ref-${key}` }
  const body =
    verb === 'deposit'
      ? { ...base, method: { type: 'card', token: 'tok_sandbox_ok' } }
      : { ...base, destination: { type: 'bank', iban: IBAN, name: 'Ada Example' } }
  const status = await pursue(site, token, `/v1/${verb}s`, body, order)
  if (verb !== 'deposit' || status !== 'succeeded' || random.of(0.6)) return
  const back: Order = { verb: 'refund', key: `${key}-r`, minor: order.minor, answers: [], id: undefined }
  orders.push(back)
  await pursue(site, token, `/v1/deposits/${order.id}/refunds`, {}, back)
}

/** Asks under one key until there is an answer to keep, however many gateways die of it. */
async function pursue(
  site: Site,
  token: string,
  path: string,
  body: unknown,
  order: Order,
): Promise<string | undefined> {
  for (let tries = 0; tries < 400; tries += 1) {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': order.key,
    }
    const heard = await fetch(site.url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
      .then(async (answer) => ({ status: answer.status, text: await answer.text() }))
      .catch(() => undefined)
    const final =
      heard && [201, 400, 404, 409, 422].includes(heard.status) && !heard.text.includes('request_in_progress')
    if (!heard || !final) {
      await wait(Math.min(1_000, 150 * (tries + 1)))
      continue
    }
    order.answers.push(`${heard.status} ${heard.text}`)
    const seen = heard.status === 201 ? Seen.safeParse(JSON.parse(heard.text)) : undefined
    if (seen?.success) order.id = seen.data.id
    return seen?.data?.status
  }
  return undefined
}
