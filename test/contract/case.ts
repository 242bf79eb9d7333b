import { expect, it } from 'vitest'
import type { Account } from './account.ts'
import type { AdapterFixtures } from './fixtures.ts'

/** The account of the test that runs now. */
export type AccountOfTest = () => Account

/** Runs a case, or shows why the processor can't have it. */
export function caseOf(name: string, fixtures: AdapterFixtures, run: (() => Promise<void>) | undefined): void {
  const reason = fixtures.lacks?.[name]
  if (reason !== undefined) it.skip(`${name} (can't be: ${reason})`, () => {})
  else
    it(name, async () => {
      expect(run, `fixtures lack "${name}": add the answer, or the reason under lacks`).toBeDefined()
      await run?.()
    })
}
