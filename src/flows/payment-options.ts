import { assetByCode } from '../core/currencies.ts'
import { Fault } from '../core/errors.ts'
import { brokenLimit } from '../core/limits.ts'
import type { MethodType } from '../core/method.ts'
import type { Money } from '../core/money.ts'
import { withdrawalPolicy } from '../core/settings.ts'
import { walkChain } from '../core/withdrawal.ts'
import type { Tx } from '../db/client.ts'
import { type InstrumentRow, listInstruments } from '../db/instruments.ts'
import { balances } from '../db/ledger.ts'
import { limitUses } from '../db/limits.ts'
import { operatorSettings } from '../db/operators.ts'
import { depositsSoFar } from '../db/payments.ts'
import { activeExclusion, findPlayer, type PlayerRow } from '../db/players.ts'
import type { Planned, RouteFacts } from '../router/plan.ts'
import type { Deps } from './deps.ts'

/** A method that a player might use. */
export type OfferedMethod =
  | { readonly type: 'card' | 'bank' }
  | { readonly type: 'wallet'; readonly wallet?: string }
  | { readonly type: 'crypto'; readonly asset: string; readonly network: string }

/** Whether a method can be used now. `reason` says why not: of the player (`self_excluded`) or of the routes (`no_route`, with each account's). */
export type PaymentOption = {
  readonly method: OfferedMethod
  readonly available: boolean
  readonly reason: string | null
  readonly accounts: readonly (Planned & { readonly usable: boolean })[]
  readonly instruments: readonly InstrumentRow[]
}

/** What was asked. */
export type OptionsOrder = {
  readonly operatorId: string
  readonly playerId: string
  readonly amount: Money
  readonly direction: 'deposit' | 'withdrawal'
}

/** Which methods a player may use now for an amount, by the same limits and the same plans that the payment itself goes by, and why the others not. Promises nothing: the payment is checked again. */
export async function paymentOptions(
  deps: Deps,
  order: OptionsOrder,
): Promise<{ refusal: string | null; reviews: readonly string[]; options: PaymentOption[] }> {
  const { operatorId, playerId, direction } = order
  const now = new Date(deps.clock.nowMs())
  const seen = await deps.db.tx(operatorId, async (tx) => {
    const player = await findPlayer(tx, operatorId, playerId)
    if (player === undefined) throw new Fault('not_found', 'There is no such resource.')
    const judged = direction === 'deposit' ? depositRefusal : withdrawalRefusal
    return {
      player,
      deposits: await depositsSoFar(tx, operatorId, playerId),
      instruments: await listInstruments(tx, operatorId, playerId),
      ...(await judged(tx, order, player, now)),
    }
  })
  const options: PaymentOption[] = []
  for (const method of methodsFor(deps, order.amount)) {
    const plan = await deps.routing.planFor(
      operatorId,
      factsOf(order, seen.player, seen.deposits, method, now.getTime()),
    )
    const available = seen.refusal === null && plan.route.length > 0
    options.push({
      method,
      available,
      reason: available ? null : (seen.refusal ?? 'no_route'),
      accounts: [
        ...plan.route.map((planned) => ({ ...planned, usable: true })),
        ...plan.leftOut.map((planned) => ({ ...planned, usable: false })),
      ],
      instruments: seen.instruments.filter((row) => fits(row, method)),
    })
  }
  return { refusal: seen.refusal, reviews: seen.reviews, options }
}

type Judged = { readonly refusal: string | null; readonly reviews: readonly string[] }

async function depositRefusal(tx: Tx, order: OptionsOrder, player: PlayerRow, now: Date): Promise<Judged> {
  const { operatorId, playerId, amount } = order
  const refused = (refusal: string): Judged => ({ refusal, reviews: [] })
  if (player.amlStatus === 'frozen') return refused('aml_hold')
  if (await activeExclusion(tx, operatorId, playerId, now)) return refused('self_excluded')
  const broken = brokenLimit(await limitUses(tx, operatorId, playerId, amount.asset, now), amount.minor)
  return broken ? refused('limit_exceeded') : { refusal: null, reviews: [] }
}

/** The chain without what only a destination can say. */
async function withdrawalRefusal(tx: Tx, order: OptionsOrder, player: PlayerRow, now: Date): Promise<Judged> {
  const { operatorId, playerId, amount } = order
  const [balance] = await balances(tx, operatorId, [`player:${playerId}:cash`], amount.asset)
  const available = balance?.available ?? 0n
  const settings = await operatorSettings(tx, operatorId)
  const { refusal, reasons } = walkChain(
    {
      caller: { mayWithdraw: true },
      player,
      amount,
      available: { asset: amount.asset, minor: available },
      wholeBalance: amount.minor === available,
      exclusion: (await activeExclusion(tx, operatorId, playerId, now)) ?? null,
      destination: { problem: null, holder: null, usedBefore: true, shared: false },
      policy: withdrawalPolicy(settings, amount.asset, player.licence),
    },
    now,
    { execute: false, approved: new Set() },
  )
  return { refusal: refusal ?? null, reviews: refusal === undefined ? reasons.map(({ code }) => code) : [] }
}

/** A coin moves on its network; money has the other rails. Wallets are those that the processors of the house name. */
function methodsFor({ processors }: Pick<Deps, 'processors'>, { asset }: Money): OfferedMethod[] {
  const known = assetByCode(asset)
  if (known?.network !== undefined) return [{ type: 'crypto', asset: known.currency, network: known.network }]
  const wallets = processors.all().flatMap(({ facts }) => facts.methods.wallet ?? [])
  const named = [...new Set(wallets.flatMap(({ brands }) => brands ?? []))].sort()
  // A processor that names no wallets leaves them to the account.
  const open = named.length === 0 || wallets.some(({ brands }) => brands === undefined)
  return [
    { type: 'card' },
    { type: 'bank' },
    ...named.map((wallet) => ({ type: 'wallet', wallet }) as const),
    ...(open ? [{ type: 'wallet' } as const] : []),
  ]
}

function factsOf(
  { playerId, amount, direction }: OptionsOrder,
  player: PlayerRow,
  deposits: number,
  method: OfferedMethod,
  atMs: number,
): RouteFacts {
  const type: MethodType = method.type
  return {
    direction,
    method: type,
    amount,
    playerId,
    playerCountry: player.country ?? 'ZZ',
    ...(player.segment !== null && { segment: player.segment }),
    ...(player.licence !== null && { licence: player.licence }),
    firstDeposit: deposits === 0,
    depositsSoFar: deposits,
    ...(method.type === 'wallet' && method.wallet !== undefined && { wallet: method.wallet }),
    ...(method.type === 'crypto' && { cryptoAsset: method.asset, network: method.network }),
    atMs,
  }
}

/** Whether a saved instrument is one of this method. */
function fits({ type, masked }: InstrumentRow, method: OfferedMethod): boolean {
  if (type !== method.type) return false
  if (method.type === 'wallet') return method.wallet === undefined || masked.wallet === method.wallet
  return method.type !== 'crypto' || (masked.asset === method.asset && masked.network === method.network)
}
