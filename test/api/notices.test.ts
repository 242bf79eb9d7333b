import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { NOTICES } from '../../src/api/notices.ts'

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url))
const WORD = /'((?:deposit|withdrawal|refund|dispute|breaker|ruleset)\.[a-z_]+|webhook_endpoint\.(?:disabled|test))'/g

it('describes every notice that the sources announce, and no other', () => {
  const texts = ['flows', 'core'].flatMap((layer) =>
    readdirSync(`${SOURCES}${layer}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(`${SOURCES}${layer}/${name}`, 'utf8')),
  )
  const announced = new Set(texts.flatMap((text) => [...text.matchAll(WORD)].map(([, type]) => type ?? '')))
  // The audit log's own words.
  for (const word of ['breaker.forced']) announced.delete(word)
  expect([...announced].sort()).toEqual(Object.keys(NOTICES).sort())
})
