import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type World, world } from '../support/world.ts'

const MODULE = fileURLToPath(new URL('../../src/entry/cli/rules.ts', import.meta.url))
const RUN = `const { rulesCommand } = await import(${JSON.stringify(MODULE)}); await rulesCommand.parseAsync(process.argv.slice(1), { from: 'user' })`

let gateway: World
let dir: string

beforeAll(async () => {
  gateway = await world()
  dir = mkdtempSync(join(tmpdir(), 'paycage-cli-'))
  const { clientId, clientSecret } = gateway.operator
  const sandbox = { base_url: gateway.url, client_id: clientId, client_secret: clientSecret }
  writeFileSync(join(dir, 'sandbox.json'), JSON.stringify(sandbox))
})
afterAll(async () => {
  await gateway.close()
  rmSync(dir, { recursive: true })
})

/** Runs `paycage rules …` in a process of its own, as an operator does. */
const run = (...args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((done) => {
    const options = { cwd: dir }
    execFile(
      process.execPath,
      ['--input-type=module', '-e', RUN, '--', ...args, '--data-dir', dir],
      options,
      (error, out, err) => done({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    )
  })

const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}

const SOUND =
  'language 1\n\nrule "vip" {\n  when segment == "vip"\n  use cheapest(*)\n}\n\ndefault {\n  use ordered(*)\n}\n'

describe('paycage rules', () => {
  it('imports a file as a draft and exports it again, byte for byte', async () => {
    const imported = await run('import', file('a.rules', SOUND), '--json')
    expect(imported.code).toBe(0)
    const { id, version } = JSON.parse(imported.out)
    expect(version).toBe(1)
    expect((await run('export', '--ruleset', id)).out).toBe(SOUND)
    await run('export', '--ruleset', id, '--out', join(dir, 'a.json'))
    expect(JSON.parse(readFileSync(join(dir, 'a.json'), 'utf8')).rules).toHaveLength(1)
    const over = await run('import', join(dir, 'a.json'), '--ruleset', id, '--expected-version', '7')
    expect([over.code, over.err]).toEqual([2, expect.stringContaining('saved this ruleset in between')])
  })

  it('checks a file against the gateway and ends with 1 when it could not be published', async () => {
    expect(await run('check', file('a.rules', SOUND))).toMatchObject({
      code: 0,
      out: expect.stringContaining('can be published'),
    })
    const bad = await run('check', file('b.rules', SOUND.replace('"vip"\n  use', '"vip" && segment == "new"\n  use')))
    expect(bad).toMatchObject({ code: 1, out: expect.stringContaining('exclude each other') })
    const broken = await run('check', file('c.rules', 'language 1 default'))
    expect(broken.code).not.toBe(0)
    expect(broken.err).toContain('line 1')
  })

  it('tells two files apart rule by rule', async () => {
    const older = file('a.rules', SOUND)
    const { out } = await run('diff', file('d.rules', SOUND.replace('cheapest', 'ordered')), older, '--json')
    expect(JSON.parse(out).differences).toMatchObject([{ rule: 'vip', kind: 'changed' }])
    expect((await run('diff', older, older)).out).toBe('No difference.\n')
  })
})
