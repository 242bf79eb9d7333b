import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../src/core/errors.ts'
import { type NewId, typeId, uuidV7 } from '../../src/core/ids.ts'
import type { Tx } from '../../src/db/client.ts'
import { insertConnection, updateConnection } from '../../src/db/connections.ts'
import { insertDecision, listDecisions, recordOutcome } from '../../src/db/decisions.ts'
import { findVersion, listPublications, readActive } from '../../src/db/rulesets.ts'
import { advanceRules } from '../../src/flows/advance-rules.ts'
import { askApproval, decideRules, draftRules, editRules } from '../../src/flows/edit-rules.ts'
import { type Publication, publishRules, rollBackRules } from '../../src/flows/publish-rules.ts'
import { replayRules } from '../../src/flows/replay-rules.ts'
import { makeHistory, seedRecordedPayments } from '../../src/flows/seed-history.ts'
import { createRoutingTable, versionFor } from '../../src/router/active.ts'
import { createBreakers } from '../../src/router/breaker.ts'
import { decisionOf } from '../../src/router/recorded.ts'
import type { Ruleset } from '../../src/router/rules.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { anOperator } from '../support/operators.ts'
import { deposit, processorFacts } from '../support/routing.ts'

let database: TestDatabase
let operatorId: string
let clock: { ms: number; nowMs(): number }

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.close())

const newId: NewId = (kind) => typeId(kind, uuidV7(Date.now(), randomBytes(10)))
const processors = { facts: (id: string) => processorFacts(id) }
const instance = () => {
  const breakers = createBreakers({ db: database.db, clock })
  const routing = createRoutingTable({ db: database.db, clock, processors, breakers })
  return { db: database.db, clock, newId, routing }
}
let deps: ReturnType<typeof instance>
const ann = () => ({ operatorId, by: 'cli_ann' })
const bob = () => ({ operatorId, by: 'cli_bob' })
const ids = { a: '', b: '', c: '' }

beforeEach(async () => {
  operatorId = await anOperator(database.admin)
  clock = { ms: Date.UTC(2026, 10, 23, 12), nowMs: () => clock.ms }
  deps = instance()
  for (const label of ['a', 'b', 'c'] as const) {
    const id = newId('connection')
    ids[label] = id
    await inTx((tx) => insertConnection(tx, operatorId, { id, processor: `p_${label}`, label }))
  }
})

const inTx = <T>(work: (tx: Tx) => Promise<T>) => database.db.tx(operatorId, work)

const first = (label: string): Ruleset => ({
  language: 1,
  rules: [
    {
      id: 'all',
      when: { op: 'eq', field: 'direction', value: 'deposit' },
      use: { strategy: 'ordered', connections: [label], then_default: true },
    },
  ],
  default: { strategy: 'ordered', connections: '*' },
})

const draft = (document: unknown = first('b'), by = ann()) => draftRules(deps, by, { name: 'rules', document })
const approved = async (document: unknown = first('b')) => {
  const { id } = await draft(document)
  await askApproval(deps, ann(), { id, reason: 'better rates' })
  await decideRules(deps, bob(), { id, decision: 'approved', reason: 'read it' })
  return id
}
const publish = (id: string, rollout: Publication['rollout'] = { kind: 'now' }) =>
  publishRules(deps, ann(), { id, reason: 'better rates', rollout })
const published = async (document: unknown = first('b'), rollout: Publication['rollout'] = { kind: 'now' }) =>
  (await publish(await approved(document), rollout)).version.version
const firstOf = async (table = deps.routing) =>
  (await table.planFor(operatorId, deposit({ atMs: clock.ms }))).route[0]?.label
const code = async (work: Promise<unknown>): Promise<string> => {
  const [done] = await Promise.allSettled([work])
  if (done.status === 'fulfilled') return 'done'
  // The database's own word, as the client wraps it.
  return done.reason instanceof Fault
    ? done.reason.code
    : (/\b[0-9A-Z]{5}\b/.exec(String(done.reason))?.[0] ?? String(done.reason))
}
const planned = (version: number, ...route: string[]) => ({
  rulesetVersion: version,
  ruleId: 'all',
  route: route.map((connectionId) => ({ connectionId, processor: 'p', label: 'l', code: 'ordered', reason: 'test' })),
  leftOut: [],
})

describe('a draft', () => {
  it('is saved over the version that its writer saw, or not at all', async () => {
    const { id, revision } = await draft()
    const edit = (document: unknown, by = ann()) =>
      editRules(deps, by, { id, expectedVersion: revision, name: 'r', document })
    expect((await edit(first('c'), bob())).revision).toBe(revision + 1)
    expect(await code(edit(first('a')))).toBe('version_conflict')
  })

  it('can be saved with faults, but nobody is asked to approve it', async () => {
    const { id } = await draft(first('nowhere'))
    expect(await code(askApproval(deps, ann(), { id, reason: 'x' }))).toBe('ruleset_invalid')
    expect(await code(publish(id))).toBe('ruleset_invalid')
  })

  it('changes nothing for payments', async () => {
    await approved()
    expect(await firstOf()).toBe('a')
  })
})

describe('four eyes', () => {
  it('lets nobody decide who wrote, edited or asked', async () => {
    const { id, revision } = await draft()
    await editRules(deps, bob(), { id, expectedVersion: revision, name: 'rules', document: first('c') })
    await askApproval(deps, { operatorId, by: 'cli_cat' }, { id, reason: 'x' })
    const decide = (by: string) =>
      code(decideRules(deps, { operatorId, by }, { id, decision: 'approved', reason: 'x' }))
    for (const by of ['cli_ann', 'cli_bob', 'cli_cat']) expect(await decide(by)).toBe('four_eyes_required')
    expect(await decide('cli_dan')).toBe('done')
  })

  it('refuses to publish without the approval, and an approval is gone with the next edit', async () => {
    const { id } = await draft()
    expect(await code(publish(id))).toBe('four_eyes_required')
    await askApproval(deps, ann(), { id, reason: 'x' })
    await decideRules(deps, bob(), { id, decision: 'approved', reason: 'x' })
    await editRules(deps, ann(), { id, expectedVersion: 1, name: 'rules', document: first('c') })
    expect(await code(publish(id))).toBe('four_eyes_required')
  })

  it('is held by the database itself against a program that forgets it', async () => {
    const { id } = await draft()
    await askApproval(deps, ann(), { id, reason: 'x' })
    const tried = (work: (tx: Tx) => Promise<unknown>) => code(inTx(work))
    expect(
      await tried(
        (tx) => tx`update ruleset_approval set decision = 'approved', decided_by = 'cli_ann' where ruleset_id = ${id}`,
      ),
    ).toMatch(/^(PC002|23514)$/)
    const insert = (approvedBy: string | null) =>
      tried(
        (tx) => tx`
          insert into ruleset_version (operator_id, version, ruleset_id, revision, document, sha256, author, approved_by, reason)
          select ${operatorId}, 1, ${id}, 1, document::text, 'x', 'cli_ann', ${approvedBy}, 'x' from ruleset where id = ${id}`,
      )
    expect(await insert(null)).toBe('PC002')
    expect(await insert('cli_bob')).toBe('PC002')
    expect(await insert('cli_ann')).toBe('PC002')
    expect(await tried((tx) => tx`update ruleset set editors = '{}' where id = ${id}`)).toBe('done')
    expect(await insert('cli_ann')).toBe('PC002')
    const version = await published()
    expect(await tried((tx) => tx`update ruleset_version set reason = 'y' where version = ${version}`)).toMatch(
      /^(42501|PC001)$/,
    )
    expect(await tried((tx) => tx`delete from publication`)).toMatch(/^(42501|PC001)$/)
    expect(await tried((tx) => tx`update routing_active set version = 0, percent = 1`)).toBe('PC001')
  })

  it('is waived only where the operator said that it works with one person', async () => {
    await database.admin`update operator set settings = '{"routing_single_person": true}' where id = ${operatorId}`
    expect(await code(publish((await draft()).id))).toBe('done')
  })
})

describe('publishing', () => {
  it('reaches every instance within a second, without a restart', async () => {
    const other = instance()
    expect(await firstOf(other.routing)).toBe('a')
    await published()
    clock.ms += 1_000
    expect(await firstOf(other.routing)).toBe('b')
    expect(await firstOf()).toBe('b')
  })

  it('happens at its time, on the moment, and is written down by the next round', async () => {
    const version = await published(first('b'), { kind: 'at', atMs: clock.ms + 60_000 })
    clock.ms += 59_000
    expect(await firstOf()).toBe('a')
    clock.ms += 1_000
    expect(await firstOf()).toBe('b')
    expect(await advanceRules(deps, operatorId)).toBe('publish')
    expect(await advanceRules(deps, operatorId)).toBeUndefined()
    const active = await inTx((tx) => readActive(tx, operatorId))
    expect(active).toMatchObject({ version, previousVersion: 0, scheduledVersion: null })
  })

  it('puts a version back to the byte, and the one before without anybody', async () => {
    const one = await published(first('b'))
    const text = await inTx((tx) => findVersion(tx, operatorId, one))
    const two = await published(first('c'))
    expect([one, two, await firstOf()]).toEqual([1, 2, 'c'])
    const active = await rollBackRules(deps, ann(), { reason: 'rates fell' })
    expect([active.version, await firstOf()]).toEqual([1, 'b'])
    expect(await inTx((tx) => findVersion(tx, operatorId, active.version))).toEqual(text)
    await published(first('a'))
    await published(first('b'))
    // Older ones, and the built-in rule, take a second person, whoever asks.
    for (const who of [ann(), bob()]) {
      for (const to of [0, 1, 2]) {
        expect(await code(rollBackRules(deps, who, { to, reason: 'x' }))).toBe('four_eyes_required')
      }
    }
    expect(await firstOf()).toBe('b')
    expect(await code(rollBackRules(deps, ann(), { to: 3, reason: 'x' }))).toBe('done')
    const kinds = await inTx((tx) => listPublications(tx, operatorId, 10))
    expect(kinds.map(({ kind }) => kind)).toEqual(['rollback', 'publish', 'publish', 'rollback', 'publish', 'publish'])
  })

  it('breaks the glass with an end: the emergency goes by itself and never comes back', async () => {
    const { id } = await draft(first('c'))
    const emergency = (untilMs: number) =>
      publishRules(deps, ann(), { id, reason: 'a is down', rollout: { kind: 'now' }, breakGlass: { untilMs } })
    expect(await code(emergency(clock.ms + 48 * 3_600_000))).toBe('validation_failed')
    const { version } = await emergency(clock.ms + 600_000)
    expect(await firstOf()).toBe('c')
    clock.ms += 600_000
    expect(await firstOf()).toBe('a')
    expect(await advanceRules(deps, operatorId)).toBe('expire')
    expect(await firstOf()).toBe('a')
    expect(await code(rollBackRules(deps, bob(), { to: version.version, reason: 'x' }))).toBe('illegal_state')
  })
})

describe('a staged rollout', () => {
  const staged = { kind: 'staged', steps: [5, 25], stepSeconds: 600, guardPoints: 3 } as const
  const share = async () => {
    const active = await inTx((tx) => readActive(tx, operatorId))
    let on = 0
    for (let index = 0; index < 4_000; index += 1) {
      if (versionFor(active, `p${index}`, clock.ms) !== active.version) on += 1
    }
    return on / 40
  }
  const record = (version: number, count: number, succeeded: number) =>
    inTx(async (tx) => {
      for (let index = 0; index < count; index += 1) {
        const paymentId = newId('deposit')
        const made = decisionOf(newId('decision'), paymentId, deposit({ atMs: clock.ms }), planned(version))
        await insertDecision(tx, operatorId, made)
        const outcome = { paymentId, connectionId: 'con_x', first: true, succeeded: index < succeeded }
        await recordOutcome(tx, operatorId, outcome)
      }
    })

  it('widens from 5 to 25 to 100 percent of players', async () => {
    const one = await published(first('b'))
    const two = await published(first('c'), staged)
    expect(Math.abs((await share()) - 5)).toBeLessThan(1.5)
    clock.ms += 600_000
    expect(await advanceRules(deps, operatorId)).toBe('step')
    expect(Math.abs((await share()) - 25)).toBeLessThan(3)
    expect(await advanceRules(deps, operatorId)).toBeUndefined()
    clock.ms += 600_000
    expect(await advanceRules(deps, operatorId)).toBe('complete')
    const active = await inTx((tx) => readActive(tx, operatorId))
    expect(active).toMatchObject({ version: two, previousVersion: one, candidate: null })
  })

  it('is taken back when it succeeds less than the guard allows, with the reason written down', async () => {
    const one = await published(first('b'))
    const two = await published(first('c'), staged)
    await record(one, 60, 54)
    await record(two, 49, 0)
    expect(await advanceRules(deps, operatorId)).toBeUndefined()
    await record(two, 11, 11)
    expect(await advanceRules(deps, operatorId)).toBe('stop')
    const [last] = await inTx((tx) => listPublications(tx, operatorId, 1))
    const reason = expect.stringContaining('points of success below version 1')
    expect(last).toMatchObject({ kind: 'stop', version: two, reason })
    expect(await firstOf()).toBe('b')
  })

  it('goes on when it lies within the guard', async () => {
    const one = await published(first('b'))
    const two = await published(first('c'), staged)
    await record(one, 100, 90)
    await record(two, 100, 88)
    clock.ms += 600_000
    expect(await advanceRules(deps, operatorId)).toBe('step')
  })
})

describe('simulation', () => {
  const history = async (count = 2_000) => {
    const { candidates } = await deps.routing.stateOf(operatorId)
    return await inTx((tx) => seedRecordedPayments(tx, operatorId, { candidates, nowMs: clock.ms, count, explored: 0 }))
  }
  const byDefault = (use: Ruleset['default']): Ruleset => ({ language: 1, rules: [], default: use })

  it('says which payments would change, what share each connection gets and what to expect, and how sure it is', async () => {
    expect(await history()).toBe(2_000)
    const split = [
      { connection: 'a', percent: 50 },
      { connection: 'b', percent: 50 },
    ]
    const report = await replayRules(deps, operatorId, byDefault({ strategy: 'weighted', split }), { hours: 24 })
    expect(report).toMatchObject({ payments: 2_000, truncated: false, unroutable: { count: 0 }, beyondRules: 0 })
    expect(Math.abs(report.changed - 1_000)).toBeLessThan(150)
    expect(report.changes).toHaveLength(100)
    expect(report.changes[0]).toMatchObject({ from: { connectionId: ids.a }, to: { connectionId: ids.b } })
    const [a, b] = report.shares
    expect([a?.before, b?.before]).toEqual([1, 0])
    expect(Math.abs((b?.after ?? 0) - 0.5)).toBeLessThan(0.08)
    const { expected, coverage } = report.success
    expect(expected.low).toBeLessThan(expected.point)
    expect(expected.high).toBeGreaterThan(expected.point)
    // Nothing ever went to b first, so half of the payments rest on no observation, and it says so.
    expect(Math.abs(coverage - 0.5)).toBeLessThan(0.08)
  })

  it('finds no difference in the rules that made the history', async () => {
    await history()
    const report = await replayRules(deps, operatorId, byDefault({ strategy: 'ordered', connections: '*' }), {
      hours: 24,
    })
    expect(report).toMatchObject({ changed: 0, success: { coverage: 1 } })
    const { expected, recorded } = report.success
    expect(expected.point).toBeCloseTo(recorded ?? 0, 10)
    expect(expected.high).toBe(expected.low)
  })

  it('rests on more where the history tried other connections', async () => {
    const { candidates } = await deps.routing.stateOf(operatorId)
    // So many that the largest kinds of payment have been seen at b often enough, whatever the connections' random ids make of it.
    await inTx((tx) => seedRecordedPayments(tx, operatorId, { candidates, nowMs: clock.ms, count: 5_000 }))
    const report = await replayRules(deps, operatorId, byDefault({ strategy: 'ordered', connections: ['b'] }), {
      hours: 24,
    })
    // About two thirds; without other connections tried it is a third.
    expect(report.success.coverage).toBeGreaterThan(0.5)
    expect(report.success.expected.high - report.success.expected.low).toBeLessThan(0.15)
  })

  it('makes the same history from the same seed, and another from another', async () => {
    const { candidates } = await deps.routing.stateOf(operatorId)
    const make = (seed: number) => makeHistory({ candidates, nowMs: clock.ms, count: 50, seed })
    expect(make(1)).toEqual(make(1))
    expect(make(1)).not.toEqual(make(2))
  })

  it('keeps a recorded payment as it was', async () => {
    const amount = { asset: 'BTC', minor: 123456789012345678901234567890n }
    const facts = deposit({ atMs: clock.ms, segment: 'vip', amount })
    const made = decisionOf(newId('decision'), newId('deposit'), facts, planned(3, ids.a, ids.b))
    await inTx((tx) => insertDecision(tx, operatorId, made))
    const [row] = await inTx((tx) => listDecisions(tx, operatorId, { sinceMs: 0, limit: 1 }))
    expect(row).toEqual({ ...made, firstSucceeded: null, succeeded: null, connectionId: null })
  })

  it('keeps a draft from being published that would leave one recorded payment without a route', async () => {
    // a alone takes the wallet "odd": the analyser's samples know no wallet by name, the recorded payment does.
    const odd = {
      ...processorFacts('p_b'),
      methods: { ...processorFacts('p_b').methods, wallet: { ...WALLET, brands: ['even'] } },
    }
    processors.facts = (id) => (id === 'p_b' ? odd : processorFacts(id))
    const id = await approved(byDefault({ strategy: 'ordered', connections: ['b'] }))
    const facts = deposit({ atMs: clock.ms, method: 'wallet', wallet: 'odd' })
    const made = decisionOf(newId('decision'), 'dep_odd', facts, planned(0, ids.a))
    await inTx((tx) => insertDecision(tx, operatorId, made))
    const [refused] = await Promise.allSettled([publish(id)])
    processors.facts = (name) => processorFacts(name)
    expect(refused).toMatchObject({
      status: 'rejected',
      reason: { code: 'ruleset_invalid', extra: { members: { unroutable: { count: 1, payments: ['dep_odd'] } } } },
    })
    expect(await firstOf()).toBe('a')
  })

  it('does not hold against a draft what no rules could route: a connection switched off since', async () => {
    await history(100)
    for (const label of ['a', 'b', 'c'] as const) {
      const limits = { methods: ['bank'] }
      await inTx((tx) => updateConnection(tx, operatorId, ids[label], { limits }))
    }
    deps.routing.refresh(operatorId)
    const report = await replayRules(deps, operatorId, first('b'), { hours: 24 })
    expect(report.unroutable.count).toBe(0)
    expect(report.beyondRules).toBeGreaterThan(50)
    expect(await code(publish(await approved()))).toBe('done')
  })
})

const WALLET = { deposit: true, withdraw: true, refund: true, currencies: 'all', countries: 'all' } as const
