import type { Code } from './errors.ts'
import { compare, type Money } from './money.ts'
import { sameName } from './names.ts'
import type { WithdrawalPolicy } from './settings.ts'

/**
 * The validation chain of a withdrawal, as a table in the order that it is walked. Each check looks at facts that were
 * read under the player's lock and says passed, review (people decide) or failed. Reject beats review, review beats
 * pass, and a fact that is missing is never a pass.
 */
export type Verdict =
  | { readonly status: 'passed'; readonly code: string | null }
  | { readonly status: 'review'; readonly code: string }
  | { readonly status: 'failed'; readonly code: Code }

/** The facts that the chain rests on. */
export type WithdrawalFacts = {
  readonly caller: { readonly mayWithdraw: boolean }
  readonly player: {
    readonly kycStatus: string
    readonly amlStatus: string
    readonly pep: boolean
    readonly name: string | null
  }
  readonly amount: Money
  /** The player's cash that no hold has taken; null once the money of this withdrawal is itself on hold. */
  readonly available: Money | null
  readonly wholeBalance: boolean
  readonly exclusion: { readonly type: string } | null
  readonly destination: {
    readonly problem: string | null
    readonly holder: string | null
    /** This player was paid there before, or paid in from there. */
    readonly usedBefore: boolean
    /** Another player of this operator uses it too. */
    readonly shared: boolean
  }
  readonly policy: WithdrawalPolicy
}

/** A verdict as it is stored and shown. `skipped`: an earlier check had already refused, or its time has not come. */
export type StoredCheck = {
  readonly name: CheckName
  readonly status: Verdict['status'] | 'skipped'
  readonly code: string | null
  readonly at: string
}

const passed: Verdict = { status: 'passed', code: null }
const review = (code: string): Verdict => ({ status: 'review', code })
const failed = (code: Code): Verdict => ({ status: 'failed', code })

/** The chain. `execute` is the last step: it passes when the others have been walked again just before the money leaves. */
export const CHAIN = [
  {
    name: 'authenticated',
    check: ({ caller }) => (caller.mayWithdraw ? passed : failed('forbidden')),
  },
  {
    name: 'kyc',
    // Not verified is no reason to refuse somebody their own money, only to ask first; rejected is.
    check: ({ player }) =>
      player.kycStatus === 'verified'
        ? passed
        : player.kycStatus === 'rejected'
          ? failed('kyc_required')
          : review('kyc_required'),
  },
  {
    name: 'available',
    check: ({ amount, available }) =>
      available === null || compare(amount, available) <= 0 ? passed : failed('insufficient_funds'),
  },
  {
    name: 'minimum',
    // Somebody who leaves takes everything along, however little it is.
    check: ({ amount, policy, wholeBalance, exclusion }) =>
      amount.minor >= policy.minimum || (wholeBalance && exclusion !== null) ? passed : failed('below_minimum'),
  },
  {
    name: 'self_exclusion',
    check: ({ exclusion, policy, destination }) => {
      if (exclusion === null) return passed
      if (policy.excluded === 'block') return failed('self_excluded')
      if (policy.excluded === 'hold_for_review' || !destination.usedBefore) return review('self_excluded')
      return { status: 'passed', code: 'self_excluded_return_of_funds' }
    },
  },
  {
    name: 'aml',
    check: ({ player, amount, policy }) => {
      if (player.amlStatus !== 'clear') return review('aml_hold')
      if (player.pep) return review('pep')
      if (amount.minor > policy.large) return review('large_payout')
      return passed
    },
  },
  {
    name: 'responsible_gambling',
    // Nothing here may keep a player's own money; what it can do is to take the way back away.
    check: ({ exclusion, policy }) =>
      exclusion !== null || !policy.cancellable ? { status: 'passed', code: 'cancel_disabled' } : passed,
  },
  {
    name: 'destination',
    check: ({ destination, player, policy }) => {
      if (destination.problem !== null) return failed('destination_invalid')
      if (destination.shared && policy.sharedDestination === 'review') return review('destination_shared')
      if (destination.holder !== null && player.name !== null && !sameName(destination.holder, player.name)) {
        return review('name_mismatch')
      }
      return passed
    },
  },
  { name: 'execute', check: () => passed },
] as const satisfies readonly { name: string; check: (facts: WithdrawalFacts) => Verdict }[]

/** The name of a step of the chain. */
export type CheckName = (typeof CHAIN)[number]['name']

/** What the chain came to. */
export type ChainResult = {
  readonly result: 'passed' | 'review' | 'failed'
  readonly checks: readonly StoredCheck[]
  readonly reasons: readonly { check: CheckName; code: string }[]
  /** The public code of the refusal, when the chain failed. */
  readonly refusal?: Code
}

/**
 * Walks the chain. With `execute` false the last step is left for the payout itself. A failure skips what comes after
 * it; `approved` holds the review codes that people have looked at already: those pass, a new one doesn't.
 */
export function walkChain(
  facts: WithdrawalFacts,
  at: Date,
  { execute, approved }: { execute: boolean; approved: ReadonlySet<string> },
): ChainResult {
  const checks: StoredCheck[] = []
  const reasons: { check: CheckName; code: string }[] = []
  let result: ChainResult['result'] = 'passed'
  let refusal: Code | undefined
  for (const { name, check } of CHAIN) {
    if (result === 'failed' || (name === 'execute' && (!execute || result === 'review'))) {
      checks.push({ name, status: 'skipped', code: null, at: at.toISOString() })
      continue
    }
    const verdict = check(facts)
    const waived = verdict.status === 'review' && approved.has(verdict.code)
    checks.push({ name, status: waived ? 'passed' : verdict.status, code: verdict.code, at: at.toISOString() })
    if (verdict.status === 'failed') {
      result = 'failed'
      refusal = verdict.code
      reasons.push({ check: name, code: verdict.code })
    } else if (verdict.status === 'review' && !waived) {
      result = 'review'
      reasons.push({ check: name, code: verdict.code })
    }
  }
  return { result, checks, reasons, ...(refusal && { refusal }) }
}
