import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ADAPTERS } from '../../src/adapters/index.ts'
import { capabilityMatrix, matrixPage } from '../../src/adapters/matrix.ts'

const HOME = new URL('../../src/adapters/', import.meta.url)
const FILES = ['index.ts', 'map.ts', 'webhook.ts', 'wire.ts']
const folders = readdirSync(HOME, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
const textOf = (folder: string, file: string) => readFileSync(new URL(`${folder}/${file}`, HOME), 'utf8')

/** The text without comments, strings and templates: what is left is code. */
const codeOf = (text: string) =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\/\/.*$/gm, '')
    .replaceAll(/'(?:\\.|[^'\\\n])*'/g, "''")

describe.each(folders)('the adapter in %s', (folder) => {
  it('has its four files and no other', () => {
    expect(readdirSync(new URL(`${folder}/`, HOME)).sort()).toEqual(FILES)
  })

  it('is told in at most 450 lines, as `wc -l` counts them', () => {
    const lines = FILES.reduce((sum, file) => sum + textOf(folder, file).split('\n').length - 1, 0)
    expect(lines).toBeLessThanOrEqual(450)
  })

  it('is named by one line of the list, and by nothing else of the gateway', () => {
    const src = new URL('../../src/', import.meta.url)
    const naming = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.startsWith(`adapters/${folder}/`))
      .flatMap((path) =>
        readFileSync(new URL(path, src), 'utf8')
          .split('\n')
          .filter((line) => line.includes(`/${folder}/index.ts'`))
          .map(() => path),
      )
    expect(naming).toEqual(['adapters/index.ts'])
  })

  it('catches nothing, fetches nothing, and has no clock, log or environment of its own', () => {
    for (const file of FILES) {
      expect(codeOf(textOf(folder, file))).not.toMatch(
        /\b(?:try\s*\{|catch\b|fetch\(|console\.|process\.|setTimeout|setInterval|performance\.|crypto\.|Date\.now|Math\.random)|new Date\(\)/,
      )
    }
  })

  it('names the document that each file was written from, with a date', () => {
    for (const file of ['index.ts', 'wire.ts']) {
      if (folder !== 'sandbox') expect(textOf(folder, file)).toMatch(/https:\/\/[\s\S]*\d{4}-\d{2}-\d{2}/)
    }
  })
})

it('shows every adapter in the capability matrix, as the page in docs does', () => {
  const rows = capabilityMatrix(ADAPTERS)
  expect(rows.map(({ id }) => id)).toEqual(ADAPTERS.map(({ facts }) => facts.id))
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
  // `npm run docs:processors` writes it anew.
  const page = readFileSync(new URL('../../docs/processors.md', import.meta.url), 'utf8')
  expect(page).toBe(`${matrixPage(rows)}\n`)
})

it('says of Adyen and BTCPay what they can', () => {
  const byId = Object.fromEntries(capabilityMatrix(ADAPTERS).map((row) => [row.id, row]))
  expect(byId.adyen).toMatchObject({
    operations: ['charge', 'resume', 'find', 'capture', 'cancel', 'refund', 'payOut'],
    unknown_resolved_by: { deposit: 'replay', withdrawal: 'find', refund: 'replay' },
    not_found_is_final_after_seconds: null,
  })
  expect(byId.btcpay).toMatchObject({
    operations: ['charge', 'find', 'refund', 'payOut'],
    idempotency: { by: 'none', window_hours: 0 },
    not_found_is_final_after_seconds: 900,
  })
})
