import postgres from 'postgres'

/** A transaction: the tagged-template statement runner of postgres.js, bound to one connection and one operator. */
export type Tx = postgres.TransactionSql<{ bigint: bigint; numeric: bigint }>

/** The database as flows see it. Every unit of work is one transaction; row-level security shows it one operator's rows. */
export type Db = {
  /** Runs `work` in one transaction that sees only this operator's rows. */
  tx<T>(operatorId: string, work: (tx: Tx) => Promise<T>): Promise<T>
  /** Runs `work` in one transaction that sees the global tables only (operators, clients, keys, jobs). */
  global<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Waits for the queries in flight, then closes. */
  close(): Promise<void>
}

/** What a client needs to know. `max` is the size of the pool. */
export type DbOptions = {
  readonly url: string
  readonly max?: number
  readonly role?: string
  readonly applicationName?: string
}

/** Opens a pool. Whole numbers (int8, numeric) come as bigint: all our numerics are minor units of scale 0. */
export function openDb({ url, max = 10, role, applicationName = 'paycage' }: DbOptions): Db {
  const sql = postgres(url, {
    max,
    fetch_types: false,
    connect_timeout: 10,
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
    types: {
      bigint: postgres.BigInt,
      numeric: { to: 1700, from: [1700], serialize: String, parse: BigInt },
    },
    onnotice: () => {},
    connection: { application_name: applicationName, ...(role && { role }) },
  })
  const begin = <T>(operatorId: string, work: (tx: Tx) => Promise<T>) =>
    sql.begin(async (tx) => {
      await tx`select set_config('app.operator', ${operatorId}, true)`
      return { value: await work(tx) }
    })
  return {
    tx: async (operatorId, work) => (await begin(operatorId, work)).value,
    global: async (work) => (await begin('', work)).value,
    close: () => sql.end({ timeout: 5 }),
  }
}
