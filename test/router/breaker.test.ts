import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/adapters/contract.ts'
import { forceBreaker } from '../../src/db/breakers.ts'
import { announceMaintenance, insertConnection } from '../../src/db/connections.ts'
import { type BreakerChange, type BreakerKey, createBreakers } from '../../src/router/breaker.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const OPERATOR = 'opr_1'
let database: TestDatabase
let clock: { ms: number; nowMs(): number }
let key: BreakerKey
let changes: BreakerChange[]
let connections = 0

beforeAll(async () => {
  database = await testDatabase()
  await database.admin`insert into operator (id, name) values (${OPERATOR}, 'one')`
})
afterAll(() => database.close())

beforeEach(async () => {
  clock = { ms: Date.UTC(2026, 10, 23), nowMs: () => clock.ms }
  connections += 1
  const id = `con_${connections}`
  await database.db.tx(OPERATOR, (tx) =>
    insertConnection(tx, OPERATOR, { id, processor: 'p', label: `l${connections}` }),
  )
  key = { operatorId: OPERATOR, connectionId: id, operation: 'charge', method: 'card' }
  changes = []
})

const instance = (settings = {}) =>
  createBreakers({
    db: database.db,
    clock,
    settings,
    onChange: async (change) => void changes.push(change),
  })

const OK: Outcome = { kind: 'succeeded', reference: 'r', amount: { asset: 'EUR', minor: 1n } }
const TIMEOUT: Outcome = { kind: 'unknown', reason: 'timeout' }
const UNREACHED: Outcome = { kind: 'not_sent', reason: 'connect_failed' }
const DECLINED: Outcome = { kind: 'declined', decline: { code: 'do_not_honor' } }
const OPEN: Outcome = { kind: 'not_sent', reason: 'circuit_open' }

type Breakers = ReturnType<typeof instance>
const times = async (count: number, breakers: Breakers, outcome: Outcome) => {
  for (let n = 0; n < count; n += 1) await breakers.run(key, async () => outcome)
}
const asked = async (breakers: Breakers, outcome: Outcome = OK) => {
  let called = false
  const result = await breakers.run(key, async () => {
    called = true
    return outcome
  })
  return { called, result }
}

/** A database that a test takes away, and that counts how often it was asked. */
function fragile() {
  const line = { away: false, reads: 0 }
  const db = {
    ...database.db,
    tx: <T>(...args: Parameters<typeof database.db.tx<T>>) => {
      line.reads += 1
      return line.away ? Promise.reject(new Error('away')) : database.db.tx<T>(...args)
    },
  }
  return { db, line }
}

describe('when it opens', () => {
  it('opens after ten calls of which more than half could not be reached or known, and sends nothing more', async () => {
    const breakers = instance()
    await times(5, breakers, TIMEOUT)
    await times(5, breakers, UNREACHED)
    expect(await asked(breakers)).toEqual({ called: false, result: OPEN })
    expect(changes).toEqual([{ ...key, to: 'open', atMs: clock.ms }])
  })

  it('is not opened by nine failures', async () => {
    const breakers = instance()
    await times(9, breakers, TIMEOUT)
    expect((await asked(breakers)).called).toBe(true)
  })

  it('is never opened by declines, vouched rejections or a full bulkhead', async () => {
    const breakers = instance()
    await times(30, breakers, DECLINED)
    await times(30, breakers, { kind: 'not_sent', reason: 'vouched_rejection' })
    await times(30, breakers, { kind: 'not_sent', reason: 'overloaded' })
    expect(await asked(breakers)).toEqual({ called: true, result: OK })
    expect(changes).toEqual([])
  })

  it('forgets failures older than its window, by the clock of the calls', async () => {
    const breakers = instance()
    await times(9, breakers, TIMEOUT)
    clock.ms += 31_000
    await times(9, breakers, TIMEOUT)
    expect((await asked(breakers)).called).toBe(true)
  })

  it('remembers failures for the whole of its window, however it is asked in between', async () => {
    const breakers = instance()
    await times(5, breakers, TIMEOUT)
    for (let second = 0; second < 26; second += 1) {
      clock.ms += 1_000
      await breakers.state(key)
    }
    await times(5, breakers, UNREACHED)
    expect((await asked(breakers)).called).toBe(false)
  })

  it('forgets by parts of its window as calls go on', async () => {
    const breakers = instance()
    await times(9, breakers, TIMEOUT)
    for (let second = 0; second < 31; second += 1) {
      clock.ms += 1_000
      await times(1, breakers, OK)
    }
    await times(9, breakers, TIMEOUT)
    expect((await asked(breakers)).called).toBe(true)
  })

  it.each(['connect_failed', 'tls_or_dns_failed'] as const)('counts %s as the processor being away', async (reason) => {
    const breakers = instance()
    await times(10, breakers, { kind: 'not_sent', reason })
    expect(await asked(breakers)).toEqual({ called: false, result: OPEN })
  })

  it('keeps accounts, operations and methods apart', async () => {
    const breakers = instance()
    await times(10, breakers, TIMEOUT)
    expect(await breakers.run({ ...key, method: 'bank' }, async () => OK)).toEqual(OK)
    expect(await breakers.run({ ...key, operation: 'refund' }, async () => OK)).toEqual(OK)
  })

  it('gives the outcome of the call that tripped it, and passes a bug of ours on', async () => {
    const breakers = instance({ volume: 1 })
    await expect(breakers.run(key, () => Promise.reject(new Error('bug')))).rejects.toThrow('bug')
    const other = { ...key, method: 'bank' } as const
    expect(await breakers.run(other, async () => TIMEOUT)).toEqual(TIMEOUT)
    expect(await breakers.run(other, async () => OK)).toEqual(OPEN)
  })

  it('never throws at callers that come in while it trips', async () => {
    const breakers = instance()
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        breakers.run(key, () => Promise.resolve().then(() => (n % 7 ? TIMEOUT : OK))),
      ),
    )
    expect(results).toHaveLength(60)
    expect(changes).toHaveLength(1)
  })
})

describe('instances agree', () => {
  it('shows an opened breaker to every instance within a second', async () => {
    const [one, two] = [instance(), instance()]
    expect((await asked(two)).called).toBe(true)
    await times(10, one, TIMEOUT)
    clock.ms += 1_000
    expect(await asked(two)).toEqual({ called: false, result: OPEN })
    expect(await two.state(key)).toBe('open')
  })

  it('lets exactly one trial through over all instances, then closes for all', async () => {
    const all = [instance(), instance(), instance(), instance()]
    const [one] = all
    await times(10, one ?? instance(), TIMEOUT)
    clock.ms += 30_000
    let release = (_: Outcome) => {}
    const answer = new Promise<Outcome>((resolve) => {
      release = resolve
    })
    let calls = 0
    const running = all.map((breakers) =>
      breakers.run(key, () => {
        calls += 1
        return answer
      }),
    )
    const held = await Promise.race([Promise.all(running), new Promise((soon) => setTimeout(() => soon('held'), 300))])
    expect([held, calls]).toEqual(['held', 1])
    release(OK)
    const results = await Promise.all(running)
    expect(results.filter((result) => result.kind === 'succeeded')).toHaveLength(1)
    expect(results.filter((result) => result.kind === 'not_sent')).toHaveLength(3)
    clock.ms += 1_000
    for (const breakers of all) expect((await asked(breakers)).called).toBe(true)
    expect(changes.map(({ to }) => to)).toEqual(['open', 'closed'])
  })

  it('waits as long again after a trial that failed, and gives up one that never ended', async () => {
    const [one, two] = [instance(), instance()]
    await times(10, one, TIMEOUT)
    clock.ms += 30_000
    expect(await asked(two, UNREACHED)).toEqual({ called: true, result: UNREACHED })
    clock.ms += 29_000
    expect((await asked(one)).called).toBe(false)
    clock.ms += 1_000
    void one.run(key, () => new Promise(() => {}))
    await new Promise((soon) => setTimeout(soon, 200))
    clock.ms += 60_000
    expect((await asked(two)).called).toBe(false)
    clock.ms += 31_000
    expect((await asked(two)).called).toBe(true)
  })

  it('passes a mistake of ours in a trial on, and stays open after it', async () => {
    const breakers = instance()
    await times(10, breakers, TIMEOUT)
    clock.ms += 30_000
    await expect(breakers.run(key, () => Promise.reject(new Error('bug')))).rejects.toThrow('bug')
    expect(await breakers.state(key)).toBe('open')
    expect(changes.map(({ to }) => to)).toEqual(['open'])
    clock.ms += 30_000
    expect((await asked(breakers)).called).toBe(true)
    expect(changes.map(({ to }) => to)).toEqual(['open', 'closed'])
    await times(9, breakers, TIMEOUT)
    expect((await asked(breakers)).called).toBe(true)
  })

  it('is ready for a trial at the last millisecond of its wait, in which a decline is a sound answer', async () => {
    const breakers = instance()
    await times(10, breakers, TIMEOUT)
    clock.ms += 29_999
    expect(await breakers.state(key)).toBe('open')
    clock.ms += 1
    expect(await breakers.state(key)).toBe('half_open')
    expect(await asked(breakers, DECLINED)).toEqual({ called: true, result: DECLINED })
    expect(await breakers.state(key)).toBe('closed')
  })
})

describe("people's word", () => {
  const force = (to: 'open' | 'closed' | null, connection = key) =>
    database.db.tx(OPERATOR, (tx) =>
      forceBreaker(
        tx,
        OPERATOR,
        connection,
        to && { to, reason: 'drill', untilMs: clock.ms + 60_000, by: 'usr_1' },
        clock.ms,
      ),
    )

  it('keeps a breaker open until the time given, on every instance', async () => {
    const breakers = instance()
    await force('open')
    expect(await asked(breakers)).toEqual({ called: false, result: OPEN })
    expect(await breakers.state(key)).toBe('forced_open')
    clock.ms += 60_000
    expect((await asked(breakers)).called).toBe(true)
  })

  it('takes a whole account out with one row', async () => {
    await database.db.tx(OPERATOR, (tx) =>
      forceBreaker(
        tx,
        OPERATOR,
        { connectionId: key.connectionId, operation: '*', method: '*' },
        { to: 'open', reason: 'drill', untilMs: clock.ms + 60_000, by: 'usr_1' },
        clock.ms,
      ),
    )
    const breakers = instance()
    expect((await asked(breakers)).called).toBe(false)
    expect((await breakers.health(OPERATOR)).state(key.connectionId, 'payOut', 'bank')).toBe('forced_open')
  })

  it('lets calls through a breaker forced closed, whatever fails, and closes one taken back', async () => {
    const breakers = instance()
    await times(10, breakers, TIMEOUT)
    await force('closed')
    clock.ms += 1_000
    await times(20, breakers, TIMEOUT)
    expect((await asked(breakers)).called).toBe(true)
    await force(null)
    clock.ms += 1_000
    expect((await asked(breakers)).called).toBe(true)
  })

  it('shows announced maintenance to the planner, in its window only', async () => {
    const breakers = instance()
    await database.db.tx(OPERATOR, (tx) =>
      announceMaintenance(tx, OPERATOR, {
        connectionId: key.connectionId,
        startsAt: new Date(clock.ms + 10_000),
        endsAt: new Date(clock.ms + 20_000),
        reason: 'their release',
        createdBy: 'usr_1',
      }),
    )
    const seen: string[] = []
    // the last time at its end, though what was read of it is still kept
    for (const ms of [0, 10_000, 9_900, 100]) {
      clock.ms += ms
      seen.push(await breakers.state(key), await breakers.state({ ...key, connectionId: 'another' }))
    }
    expect(seen.join(' ')).toBe('closed closed maintenance closed maintenance closed closed closed')
  })
})

describe('what is told of a breaker', () => {
  it('is counted by operation, method and where it went, and costs no outcome when nobody can hear it', async () => {
    const counted: unknown[] = []
    const reported: unknown[] = []
    const breakers = createBreakers({
      db: database.db,
      clock,
      metrics: { count: (name, labels) => void counted.push([name, labels]) },
      log: { error: (event, fields) => void reported.push([event, fields]) },
      onChange: () => Promise.reject(new Error('deaf')),
    })
    await times(10, breakers, TIMEOUT)
    clock.ms += 30_000
    expect(await asked(breakers)).toEqual({ called: true, result: OK })
    const of = { operation: 'charge', method: 'card' }
    expect(counted).toEqual(['open', 'closed'].map((to) => ['paycage_breaker_transitions_total', { ...of, to }]))
    expect(reported).toEqual(
      ['open', 'closed'].map(() => ['breaker.listener_failed', { connectionId: key.connectionId, ...of }]),
    )
  })
})

describe('what is shared', () => {
  it('is read anew after half a second, when it is asked for, and after a reading that failed', async () => {
    const { db, line } = fragile()
    const breakers = createBreakers({ db, clock })
    await breakers.state(key)
    clock.ms += 499
    await Promise.all([breakers.state(key), breakers.health(OPERATOR)])
    expect(line.reads).toBe(1)
    clock.ms += 1
    await breakers.state(key)
    expect(line.reads).toBe(2)
    breakers.refresh(OPERATOR)
    line.away = true
    await expect(breakers.state(key)).rejects.toThrow('away')
    line.away = false
    expect(await breakers.state(key)).toBe('closed')
    expect(line.reads).toBe(4)
  })
})

describe('a processor that hangs', () => {
  it('gives its turn back when it answers, whatever it answers', async () => {
    const breakers = instance({ capacity: 1, volume: 100 })
    await times(3, breakers, TIMEOUT)
    await expect(breakers.run(key, () => Promise.reject(new Error('bug')))).rejects.toThrow('bug')
    expect(await asked(breakers)).toEqual({ called: true, result: OK })
  })

  it('holds no more than its bulkhead and none of the others', async () => {
    const breakers = instance({ capacity: 3 })
    const hanging = Array.from({ length: 5 }, () => breakers.run(key, () => new Promise<Outcome>(() => {})))
    const late = new Promise((tell) => setTimeout(() => tell('late'), 2_000))
    const settled = await Promise.race([Promise.all(hanging.slice(3)), late])
    expect(settled).toEqual(Array(2).fill({ kind: 'not_sent', reason: 'overloaded' }))
    expect(await breakers.run({ ...key, method: 'bank' }, async () => OK)).toEqual(OK)
  })
})

describe('when the database is away', () => {
  it('gives the outcome that it has, holds the breaker open by itself and tells the others later', async () => {
    const { db, line } = fragile()
    const reported: string[] = []
    const breakers = createBreakers({ db, clock, log: { error: (event) => void reported.push(event) } })
    await times(9, breakers, TIMEOUT)
    const last = await breakers.run(key, async () => {
      line.away = true
      return TIMEOUT
    })
    expect([last, reported]).toEqual([TIMEOUT, ['breaker.share_failed']])
    line.away = false
    expect(await asked(breakers)).toEqual({ called: false, result: OPEN })
    clock.ms += 1_000
    expect(await instance().state(key)).toBe('open')
  })

  it('holds it back by itself only for as long as a breaker stays open', async () => {
    const { db, line } = fragile()
    const breakers = createBreakers({ db, clock })
    await times(9, breakers, TIMEOUT)
    await breakers.run(key, async () => {
      line.away = true
      return TIMEOUT
    })
    clock.ms += 29_999
    expect(await asked(breakers)).toEqual({ called: false, result: OPEN })
    line.away = false
    clock.ms += 1
    expect(await asked(breakers)).toEqual({ called: true, result: OK })
    expect(await breakers.state(key)).toBe('closed')
  })
})
