import type { Db } from '../../src/db/client.ts'

/** A database of the harness: `db` as gateways see it, `ask` as a superuser who may look at everything. */
export type Ground = {
  readonly db: Db
  ask(text: string, values: readonly (string | Date)[]): Promise<readonly Record<string, unknown>[]>
}

/** What a player begins with, minor units. */
export const FUNDS = 20_000n

export const operatorOf = (seed: number): string => `opr_sim${seed}`
export const connectionOf = (seed: number, processor: string): string => `con_sim${seed}_${processor}`
