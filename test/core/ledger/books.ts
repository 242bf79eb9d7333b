import { accountSpec } from '../../../src/core/ledger/chart.ts'
import type { AccountCode, Posting, Transfer } from '../../../src/core/ledger/posting.ts'

/** Books in memory by the chart's rules: what the database must do, said in a few lines. */
export function books() {
  const debits = new Map<string, bigint>()
  const keys = new Map<string, Posting>()
  const name = (code: AccountCode, asset: string) => `${code} ${asset}`
  const net = (code: AccountCode, asset: string): bigint => {
    const debited = debits.get(name(code, asset)) ?? 0n
    return accountSpec(code).normal === 'debit' ? debited : -debited
  }
  const move = ({ debit, credit, amount }: Transfer, sign: bigint) => {
    for (const [code, minor] of [
      [debit, amount.minor * sign],
      [credit, -amount.minor * sign],
    ] as const) {
      debits.set(name(code, amount.asset), (debits.get(name(code, amount.asset)) ?? 0n) + minor)
    }
  }
  const refuses = (code: AccountCode, asset: string) => accountSpec(code).overdraft === 0n && net(code, asset) < 0n
  return {
    net,
    post(posting: Posting): 'posted' | 'exists' | 'insufficient_funds' {
      if (keys.has(posting.key)) return 'exists'
      for (const transfer of posting.transfers) move(transfer, 1n)
      const short = posting.transfers.some(
        ({ debit, credit, amount }) => refuses(debit, amount.asset) || refuses(credit, amount.asset),
      )
      if (short) {
        for (const transfer of posting.transfers) move(transfer, -1n)
        return 'insufficient_funds'
      }
      keys.set(posting.key, posting)
      return 'posted'
    },
    /** Debits less credits of all accounts, in each asset: zeros, or the books are broken. */
    imbalance: () => {
      const sums = new Map<string, bigint>()
      for (const [key, debited] of debits) {
        const asset = key.slice(key.lastIndexOf(' ') + 1)
        sums.set(asset, (sums.get(asset) ?? 0n) + debited)
      }
      return [...sums.values()].filter((sum) => sum !== 0n)
    },
    snapshot: () => new Map([...debits].filter(([, minor]) => minor !== 0n).toSorted()),
  }
}
