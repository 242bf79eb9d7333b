import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { errorPage } from '../src/api/routes/docs.ts'
import { CODES } from '../src/core/errors.ts'
import { METRICS } from '../src/platform/metrics.ts'
import { codeOf } from './support/code.ts'

/** The rules of the house that neither the linter nor the compiler can hold. */
const ROOT = fileURLToPath(new URL('..', import.meta.url))

const filesIn = (folder: string): readonly string[] => {
  const from = join(ROOT, folder)
  if (!existsSync(from)) return []
  return readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort()
}
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')

/** `file:line text` for each line of code that a rule forbids. */
const offenders = (files: readonly string[], rule: (line: string, file: string) => boolean): readonly string[] =>
  files.flatMap((file) =>
    codeOf(read(file))
      .split('\n')
      .flatMap((line, index) => (rule(line, file) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
  )

const SOURCES = filesIn('src')
const ALL = [...SOURCES, ...filesIn('test'), ...filesIn('bench'), ...filesIn('scripts'), ...filesIn('examples')]

it('keeps every file under 400 lines', () => {
  expect(ALL.filter((file) => read(file).split('\n').length > 400)).toEqual([])
})

it('gives every adapter the same four files', () => {
  const adapters = existsSync(join(ROOT, 'src/adapters'))
    ? readdirSync(join(ROOT, 'src/adapters'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    : []
  for (const { name } of adapters)
    expect([name, readdirSync(join(ROOT, 'src/adapters', name)).sort()]).toEqual([
      name,
      ['index.ts', 'map.ts', 'webhook.ts', 'wire.ts'],
    ])
})

it('has a page for every error code that says what to do', () => {
  for (const code of CODES) {
    const page = errorPage(code)
    expect(page).toContain(`<h1><code>${code}</code></h1>`)
    expect(page).toMatch(/What to do<\/dt><dd>[^<]{20,}/)
  }
})

it('declares a scope at every endpoint', () => {
  const spread = /\bscope: 'public'/
  const bare = filesIn('src/api/routes').flatMap((file) => {
    const text = read(file)
    return text
      .split(/\bendpoint\(\{/)
      .slice(1)
      .flatMap((said, index) => {
        const until = said.indexOf('handle')
        const about = said.slice(0, until)
        // A spread constant may bring the scope along; then the constant says it.
        const spreads = [...about.matchAll(/\.\.\.([A-Z_]+)/g)].map(([, name]) => name)
        const brought = spreads.some((name) => new RegExp(`const ${name} = \\{[^}]*\\bscope: '[a-z:]+'`).test(text))
        return /\bscope: '[a-z:]+'/.test(about) || brought || spread.test(about)
          ? []
          : [`${file} endpoint ${index + 1}`]
      })
  })
  expect(bare).toEqual([])
})

it('declares every metric that it measures', () => {
  const measured = SOURCES.flatMap((file) =>
    [...read(file).matchAll(/metrics\s*\.(?:count|gauge|observe)\(\s*'([a-z_]+)'/g)].map(([, name]) => name ?? ''),
  )
  expect([...new Set(measured)].filter((name) => !Object.hasOwn(METRICS, name))).toEqual([])
})

/** Words for which we have another one. The first column of a processor's own wire keeps its words. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\bPSPs?\b/i, 'processor'],
  [/\bconnectors?\b/i, 'adapter'],
  [/\btxns?\b/i, 'payment or posting'],
  // Mastercard's "merchant advice code" is a name of its own.
  [/\bmerchants?\b(?! advice)/i, 'operator'],
  [
    /(?<!payment )(?<!the )(?<!our )(?<!one )(?<!a )\bgateways?\b(?!'s)(?=\s+(?:account|connection|adapter|response|error))/i,
    'processor',
  ],
]

/** Files that speak a processor's language, where its own words must stand. */
const FOREIGN =
  /^src\/adapters\/[a-z0-9-]+\/(?:wire|map|webhook|index)\.ts$|^test\/adapters\/|^test\/contract\/|^test\/house\.test\.ts$/

it('uses one word for one thing', () => {
  const wrong = ALL.filter((file) => !FOREIGN.test(file)).flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) =>
        FORBIDDEN.filter(([word]) => word.test(line)).map(
          ([, better]) => `${file}:${index + 1} say ${better}: ${line.trim()}`,
        ),
      ),
  )
  expect(wrong).toEqual([])
})

it('casts nothing, and has no any and no non-null assertion', () => {
  const renames = /\b(?:import|export)\b|^\s*(?:type )?\w+ as \w+,?$|^\} from|\bas (?:infer|in)\b/
  expect(offenders(ALL, (line) => /\bas (?!const\b)\S/.test(line) && !renames.test(line))).toEqual([])
  expect(offenders(ALL, (line) => /[:<,|&(]\s*any\b(?!\s*[(:,?])/.test(line))).toEqual([])
  expect(offenders(ALL, (line) => /[\w)\]]!(?:[.;,)\]]|\[|$)/.test(line))).toEqual([])
})

it('would see a cast, an any and an assertion, and what looks like one but is not', () => {
  const seen = codeOf(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is source code to be read.
    "const a = b as C // as D\nconst s = `select ${x as Y} as z ${`as ${q!}`}`\nconst r = /as [/] any/.test('as any')",
  )
  expect(seen).toBe("const a = b as C \nconst s = `x as Y`q!``\nconst r = //.test('')")
})

/** Who holds the environment: the entry hands it to the settings and to the secrets, and nobody else sees it. */
const ENVIRONMENT: readonly string[] = ['src/platform/config.ts', 'src/entry/environment.ts', 'src/entry/start.ts']

it('reads the environment in one place', () => {
  const readers = offenders(
    SOURCES,
    (line, file) => /process\.env|import\.meta\.env/.test(line) && !ENVIRONMENT.includes(file),
  )
  expect(readers).toEqual([])
})

it('prints only at the entry', () => {
  expect(offenders(SOURCES, (line, file) => /\bconsole\./.test(line) && !file.startsWith('src/entry/'))).toEqual([])
})

/** Where a failure may be caught, by the beginning of the path, and why there. Everywhere else it goes on up. */
const CATCHES: Readonly<Record<string, string>> = {
  'src/adapters/send.ts': 'what happens on the way to a processor becomes an outcome here, and nowhere else',
  'src/adapters/exact-json.ts': 'a body that is no JSON is a malformed answer, not a failure of ours',
  'src/api/idempotent.ts': 'a run that failed must leave its key free or finished before the failure goes on up',
  'src/db/client.ts': "the driver's errors are wrapped here, because they hold statements and parameters",
  'src/db/guard.ts': 'a connection that dies must end its transaction, which the driver lets hang',
  'src/db/combiner.ts': 'one bad posting of a batch must not fail its neighbours',
  'src/db/inbox.ts':
    'one bad webhook of a batch must not fail its neighbours; an account that could not be read is not remembered',
  'src/jobs/run.ts': 'a job that fails must not end the loop that runs the others',
  'src/platform/': 'files, sockets and child processes fail as a matter of course, and are told as values',
  'src/entry/': 'the composition root: what fails here ends the start, or one of the things that were started',
  'src/sandbox/': 'a processor of its own, with a server of its own',
}

it('catches in the few places that say why', () => {
  expect(
    offenders(
      SOURCES,
      (line, file) => /\bcatch\b\s*[({]/.test(line) && !Object.keys(CATCHES).some((path) => file.startsWith(path)),
    ),
  ).toEqual([])
})
