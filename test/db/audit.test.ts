import { expect, it } from 'vitest'
import { audit, listAudit, readNoted, verifyAudit } from '../../src/db/audit.ts'
import { databaseForThisTest } from '../support/database.ts'

const OPERATOR = 'opr_a'
const entry = (subject: string) => ({
  actor: 'cli_1',
  action: 'player.risk_changed',
  subject,
  before: { aml_status: 'clear' },
  after: { aml_status: 'frozen', nested: { b: [1, 'two', null], a: true } },
  reason: 'a test',
  at: new Date('2026-11-22T10:00:00.123Z'),
})

async function chain(length: number) {
  const { db, admin } = await databaseForThisTest()
  for (const n of Array.from({ length }, (_, index) => index + 1))
    await db.tx(OPERATOR, (tx) => audit(tx, OPERATOR, entry(`p${n}`)))
  const verify = () => db.tx(OPERATOR, (tx) => verifyAudit(tx, OPERATOR))
  return { db, admin, verify }
}

/** What only somebody with the whole server in hand can do. */
const tamper = async (admin: Awaited<ReturnType<typeof chain>>['admin'], sql: string) => {
  await admin.unsafe('alter table audit_log disable trigger user')
  await admin.unsafe(sql)
  await admin.unsafe('alter table audit_log enable trigger user')
}

it('holds a chain that proves itself', async () => {
  const { db, verify } = await chain(3)
  const rows = await db.tx(OPERATOR, (tx) => listAudit(tx, OPERATOR, { limit: 10 }))
  expect(rows.map(({ sequence, subject }) => [sequence, subject])).toEqual([
    [3n, 'p3'],
    [2n, 'p2'],
    [1n, 'p1'],
  ])
  expect(rows[2]?.previousHash).toBe('0'.repeat(64))
  expect(await verify()).toEqual({ rows: 3, head: rows[0]?.hash, broken: null })
})

it('is one chain without a gap when many write at once, each operator with its own', async () => {
  const { db } = await databaseForThisTest()
  const operators = ['opr_a', 'opr_b']
  await Promise.all(
    Array.from({ length: 40 }, (_, n) => operators[n % 2] ?? '').map((id, n) =>
      db.tx(id, (tx) => audit(tx, id, entry(`p${n}`))),
    ),
  )
  for (const id of operators)
    expect(await db.tx(id, (tx) => verifyAudit(tx, id))).toMatchObject({ rows: 20, broken: null })
})

it('holds nothing of a transaction that was undone, and no gap for it', async () => {
  const { db, verify } = await chain(1)
  const undone = db.tx(OPERATOR, async (tx) => {
    await audit(tx, OPERATOR, entry('p2'))
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  await db.tx(OPERATOR, (tx) => audit(tx, OPERATOR, entry('p3')))
  expect(await verify()).toMatchObject({ rows: 2, broken: null })
})

it('refuses changes to the gateway itself and to the owner', async () => {
  const { db, admin } = await chain(2)
  for (const change of ['update audit_log set reason = null', 'delete from audit_log', 'truncate audit_log']) {
    await expect(db.tx(OPERATOR, (tx) => tx.unsafe(change))).rejects.toMatchObject({ sqlstate: '42501' })
    await expect(admin.unsafe(change)).rejects.toMatchObject({ code: 'PC001' })
  }
})

it('refuses a row that begins a second chain, leaves a gap or names another hash', async () => {
  const { db } = await chain(2)
  for (const [sequence, previous] of [
    [1, '0'.repeat(64)],
    [2, 'a'.repeat(64)],
    [3, 'a'.repeat(64)],
    [4, '0'.repeat(64)],
  ] as const) {
    const forged = db.tx(
      OPERATOR,
      (tx) => tx`
        insert into audit_log (operator_id, sequence, at, actor, action, subject, previous_hash, hash)
        values (${OPERATOR}, ${sequence}, now(), 'x', 'x.y', 'x', ${previous}, ${'b'.repeat(64)})`,
    )
    await expect(forged).rejects.toMatchObject({ sqlstate: 'PC001' })
  }
})

it('finds every altered column, a row taken out and a row put in between', async () => {
  const alterations = [
    ["update audit_log set actor = 'cli_2' where sequence = 2", 'content', '2'],
    ["update audit_log set action = 'player.created' where sequence = 2", 'content', '2'],
    ["update audit_log set subject = 'p9' where sequence = 3", 'content', '3'],
    [`update audit_log set after = '{"aml_status":"clear"}' where sequence = 1`, 'content', '1'],
    ['update audit_log set before = null where sequence = 1', 'content', '1'],
    ['update audit_log set reason = null where sequence = 4', 'content', '4'],
    ["update audit_log set at = at + interval '1 ms' where sequence = 4", 'content', '4'],
    [`update audit_log set hash = '${'c'.repeat(64)}' where sequence = 2`, 'content', '2'],
    [`update audit_log set previous_hash = '${'c'.repeat(64)}' where sequence = 2`, 'link', '2'],
    ['delete from audit_log where sequence = 2', 'gap', '3'],
    ['delete from audit_log where sequence = 1', 'gap', '2'],
  ] as const
  for (const [sql, why, sequence] of alterations) {
    const { admin, verify } = await chain(4)
    await tamper(admin, sql)
    expect([sql, (await verify()).broken]).toEqual([sql, { sequence, why }])
  }
})

it('loses its head when the end is cut off, which a noted head shows', async () => {
  const { db, admin, verify } = await chain(3)
  const { head } = await verify()
  await tamper(admin, 'delete from audit_log where sequence = 3')
  expect(await verify()).toMatchObject({ rows: 2, broken: null })
  expect((await verify()).head).not.toBe(head)
  const noted = readNoted(`3:${head}`)
  const found = await db.tx(OPERATOR, (tx) => verifyAudit(tx, OPERATOR, noted))
  expect(found.broken).toEqual({ sequence: '3', why: 'noted' })
  for (const wrong of ['', '3', `0:${head}`, `3:${head}0`, `3:${head.toUpperCase()}`, `-1:${head}`])
    expect(readNoted(wrong)).toBeUndefined()
})
