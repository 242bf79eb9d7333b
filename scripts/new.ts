import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scaffold } from './scaffold.ts'

/** `npm run new adapter <id>`: the files of a new adapter, its contract test and its page. Overwrites nothing. */
const [what, id = ''] = process.argv.slice(2)
if (what !== 'adapter' || !/^[a-z][a-z0-9_]{1,31}$/.test(id)) {
  console.error('usage: npm run new adapter <id>, an id of a-z, 0-9 and _')
  process.exit(2)
}

const root = new URL('../', import.meta.url)
const files = Object.entries(scaffold(id)).map(([path, text]) => ({
  path,
  text,
  at: fileURLToPath(new URL(path, root)),
}))
const taken = files.filter(({ at }) => existsSync(at))
if (taken.length > 0) {
  console.error(`not overwritten: ${taken.map(({ path }) => path).join(', ')}`)
  process.exit(1)
}
for (const { path, text, at } of files) {
  mkdirSync(dirname(at), { recursive: true })
  writeFileSync(at, text)
  console.log(path)
}
console.log(
  `\nNow fill them in until \`npx vitest run test/contract/${id}.test.ts\` passes: docs/contribute/adapters.md says how.`,
)
console.log('Then add it to the list in src/adapters/index.ts and run `npm run docs:processors`.')
