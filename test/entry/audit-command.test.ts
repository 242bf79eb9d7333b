import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { audit } from '../../src/db/audit.ts'
import { insertOperator } from '../../src/db/operators.ts'
import { databaseForThisTest } from '../support/database.ts'

const CLI = fileURLToPath(new URL('../../src/entry/cli.ts', import.meta.url))

const run = (...words: string[]): Promise<{ code: number; out: string }> =>
  new Promise((done) => {
    const child = execFile(process.execPath, [CLI, 'audit', 'verify', ...words], (_error, stdout, stderr) =>
      done({ code: child.exitCode ?? -1, out: stdout + stderr }),
    )
  })

it('proves the chains from the terminal, and says with its exit code when one is broken', async () => {
  const { url, db, admin } = await databaseForThisTest()
  await db.global((tx) => insertOperator(tx, { id: 'opr_a', name: 'A' }))
  for (const subject of ['p1', 'p2']) {
    const entry = { actor: 'cli_1', action: 'player.excluded', subject, at: new Date('2026-11-22T10:00:00Z') }
    await db.tx('opr_a', (tx) => audit(tx, 'opr_a', entry))
  }
  const sound = await run('--database-url', url, '--json')
  expect(sound.code).toBe(0)
  const report = JSON.parse(sound.out)
  expect(report).toMatchObject({ ok: true, operators: [{ operator_id: 'opr_a', rows: 2, broken: null }] })

  const noted = `2:${report.operators[0].head}`
  expect((await run('--database-url', url, '--operator', 'opr_a', '--noted', noted)).code).toBe(0)
  expect((await run('--database-url', url, '--noted', noted)).code).toBe(2)
  await admin.unsafe(
    `alter table audit_log disable trigger user; update audit_log set subject = 'p9' where sequence = 1`,
  )
  const broken = await run('--database-url', url)
  expect(broken.code).toBe(1)
  expect(broken.out).toContain('opr_a  BROKEN at row 1 (content)')
})
