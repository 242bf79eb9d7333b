import { assetOf } from '../core/currencies.ts'
import { parseAmount } from '../core/money.ts'
import type { OperationKind } from './operation.ts'

/** What a request makes the processor do. `silence_*` never answers: after taking the money, or having done nothing. */
export type Script =
  | { readonly does: 'approve' }
  | { readonly does: 'decline'; readonly code: string }
  | { readonly does: 'pend' }
  | { readonly does: 'return' }
  | { readonly does: 'three_ds' }
  | { readonly does: 'silence_taken' }
  | { readonly does: 'silence_nothing' }

type Row = {
  readonly digits: number
  readonly for: readonly OperationKind[]
  readonly script: Script
  /** Only the processor of this id plays it, so that the next one in a cascade can succeed. */
  readonly onlyAt?: string
}

const MONEY_IN_OR_OUT = ['charge', 'payout', 'refund'] as const

/** The magic amounts: the last two digits of the amount in its smallest unit decide. `docs/operate/sandbox.md` shows this table. */
const ROWS: readonly Row[] = [
  { digits: 3, for: ['charge'], script: { does: 'three_ds' } },
  { digits: 5, for: ['charge', 'payout'], script: { does: 'decline', code: 'do_not_honor' } },
  { digits: 41, for: ['charge'], script: { does: 'decline', code: 'lost_card' } },
  { digits: 51, for: ['charge'], script: { does: 'decline', code: 'insufficient_funds' } },
  { digits: 52, for: ['payout'], script: { does: 'decline', code: 'float_insufficient' }, onlyAt: 'sandbox_a' },
  { digits: 68, for: MONEY_IN_OR_OUT, script: { does: 'silence_taken' } },
  { digits: 69, for: MONEY_IN_OR_OUT, script: { does: 'silence_nothing' } },
  { digits: 77, for: ['payout'], script: { does: 'return' } },
  { digits: 91, for: ['charge'], script: { does: 'decline', code: 'issuer_unavailable' }, onlyAt: 'sandbox_a' },
  { digits: 99, for: MONEY_IN_OR_OUT, script: { does: 'pend' } },
]

/** What the processor `id` does with a request of this kind and amount (smallest units). */
export function scriptOf(id: string, kind: OperationKind, minor: bigint): Script {
  const digits = Number(minor % 100n)
  const row = ROWS.find((each) => each.digits === digits && each.for.includes(kind) && (each.onlyAt ?? id) === id)
  return row?.script ?? { does: 'approve' }
}

/** The amount in smallest units, or undefined when the text is no positive amount of that currency. */
export function minorOf(amount: string, currency: string, network: string | undefined): bigint | undefined {
  const asset = assetOf(currency, network)
  const parsed = asset && parseAmount(amount, asset)
  return typeof parsed === 'object' ? parsed.minor : undefined
}

/** True when a text is a run of 13 to 19 digits, with the usual separators, that passes the Luhn check: a card number, which nothing here may take. */
export function looksLikeCardNumber(text: string): boolean {
  const digits = text.normalize('NFKC').replace(/[\s\-._/]/g, '')
  if (!/^\d{13,19}$/.test(digits)) return false
  let sum = 0
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits.at(-1 - index))
    const counted = index % 2 === 1 ? digit * 2 : digit
    sum += counted > 9 ? counted - 9 : counted
  }
  return sum % 10 === 0
}
