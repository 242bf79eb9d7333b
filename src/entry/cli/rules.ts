import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { z } from 'zod'
import { diffRulesets } from '../../router/diff.ts'
import { parseRuleset, type Ruleset } from '../../router/rules.ts'
import { printRuleset } from '../../router/text.ts'
import { readRuleset } from '../../router/text-reader.ts'

/** Where the gateway is and who asks. */
type Access = { url: string; clientId: string; clientSecret: string }

/** Exit codes: 0 good, 1 the rules are not, 2 the command could not do its work. */
const NOT_SOUND = 1
const NOT_DONE = 2

const SandboxFile = z.object({ base_url: z.string(), client_id: z.string(), client_secret: z.string() })
const Token = z.object({ access_token: z.string() })
const Problem = z.object({
  title: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
})
const Findings = z.object({
  ok: z.boolean(),
  findings: z.array(
    z.object({ severity: z.string(), code: z.string(), pointer: z.string(), message: z.string(), fix: z.string() }),
  ),
})
const Saved = z.object({ id: z.string(), name: z.string(), version: z.int(), text: z.string().nullable() })
const Version = z.object({ version: z.int(), document: z.unknown() })
const Active = z.object({ active: z.object({ version: z.int() }) })
const Document = z.object({ document: z.unknown() })

type Options = { url?: string; clientId?: string; secretFile?: string; dataDir: string; json?: boolean }

/** The gateway to speak to: as the options say, else the sandbox of this folder. */
function accessOf({ url, clientId, secretFile, dataDir }: Options): Access {
  const path = join(dataDir, 'sandbox.json')
  const sandbox = existsSync(path) ? SandboxFile.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined
  const secret = secretFile === undefined ? sandbox?.client_secret : readFileSync(secretFile, 'utf8').trim()
  const access = { url: url ?? sandbox?.base_url, clientId: clientId ?? sandbox?.client_id, clientSecret: secret }
  if (access.url && access.clientId && access.clientSecret) {
    return { url: access.url, clientId: access.clientId, clientSecret: access.clientSecret }
  }
  return end(`There is no ${path}. Give --url, --client-id and --secret-file.`)
}

function end(message: string): never {
  console.error(message)
  process.exit(NOT_DONE)
}

/** Asks the gateway, as an OAuth client. Ends the process with what the gateway refused. */
async function ask<T>(access: Access, shape: z.ZodType<T>, method: string, path: string, body?: unknown): Promise<T> {
  const basic = Buffer.from(`${access.clientId}:${access.clientSecret}`).toString('base64')
  const granted = await fetch(new URL('/oauth/token', access.url), {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials',
  })
  if (!granted.ok) return end(`The gateway gave no token (${granted.status}).`)
  const { access_token: token } = Token.parse(await granted.json())
  const answer = await fetch(new URL(path, access.url), {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const value: unknown = await answer.json()
  if (answer.ok) return shape.parse(value)
  const { title, detail, errors = [] } = Problem.parse(value)
  return end([`${title}: ${detail ?? ''}`, ...errors.map((one) => `  ${one.pointer}: ${one.detail}`)].join('\n'))
}

/** Reads rules from a file, JSON or text by its ending. */
function rulesIn(file: string): Ruleset {
  const text = readFileSync(file, 'utf8')
  if (!file.endsWith('.json')) return readRuleset(text)
  const read = parseRuleset(JSON.parse(text))
  if (read.ok) return read.ruleset
  return end(read.misfits.map(({ path, message }) => `${file}: /${path.join('/')}: ${message}`).join('\n'))
}

async function rulesOf(access: Access, version: string | undefined): Promise<Ruleset> {
  const wanted = version ?? String((await ask(access, Active, 'GET', '/v1/routing/active')).active.version)
  if (wanted === '0') return end('Nothing was published yet: the built-in rule is active.')
  const { document } = await ask(access, Version, 'GET', `/v1/routing/versions/${wanted}`)
  return documentRules(document)
}

function documentRules(document: unknown): Ruleset {
  const read = parseRuleset(document)
  return read.ok ? read.ruleset : end('The gateway sent rules that this release does not understand.')
}

const withAccess = (command: Command): Command =>
  command
    .option('--url <url>', 'the gateway; the sandbox of this folder unless given')
    .option('--client-id <id>', 'OAuth client')
    .option('--secret-file <path>', "file with the client's secret")
    .option('--data-dir <path>', 'folder of the sandbox', '.paycage')
    .option('--json', 'as one JSON document')

const exportCommand = withAccess(new Command('export'))
  .description('Write published rules, or a draft, as text (or JSON)')
  .option('--at <version>', 'a published version; the active one unless given')
  .option('--ruleset <id>', 'a draft instead')
  .option('-o, --out <file>', 'write to a file; .json gives JSON')
  .action(async (options: Options & { at?: string; ruleset?: string; out?: string }) => {
    const access = accessOf(options)
    const rules =
      options.ruleset === undefined
        ? await rulesOf(access, options.at)
        : documentRules((await ask(access, Document, 'GET', `/v1/routing/rulesets/${options.ruleset}`)).document)
    const asJson = options.json === true || options.out?.endsWith('.json') === true
    const text = asJson ? `${JSON.stringify(rules, null, 2)}\n` : printRuleset(rules)
    if (options.out === undefined) process.stdout.write(text)
    else writeFileSync(options.out, text)
  })

const importCommand = withAccess(new Command('import'))
  .description('Save a file as a draft: a new one, or over the version of one that you read')
  .argument('<file>', 'rules as text, or as JSON when it ends in .json')
  .option('--name <name>', 'name of the draft; the file unless given')
  .option('--ruleset <id>', 'save over this draft')
  .option('--expected-version <n>', 'its version that you read')
  .action(async (file: string, options: Options & { name?: string; ruleset?: string; expectedVersion?: string }) => {
    const document = rulesIn(file)
    const name = options.name ?? file
    const access = accessOf(options)
    const { ruleset, expectedVersion } = options
    const saved =
      ruleset === undefined
        ? await ask(access, Saved, 'POST', '/v1/routing/rulesets', { name, document })
        : await ask(access, Saved, 'PUT', `/v1/routing/rulesets/${ruleset}`, {
            expected_version: Number(expectedVersion ?? '1'),
            name,
            document,
          })
    const shown = { id: saved.id, name: saved.name, version: saved.version }
    console.log(options.json ? JSON.stringify(shown) : `${saved.id} version ${saved.version}`)
  })

const checkCommand = withAccess(new Command('check'))
  .description("Check a file against the gateway's connections; exit code 1 when it can't be published")
  .argument('<file>', 'rules as text, or as JSON when it ends in .json')
  .action(async (file: string, options: Options) => {
    const document = rulesIn(file)
    const { ok, findings } = await ask(accessOf(options), Findings, 'POST', '/v1/routing/check', { document })
    if (options.json) console.log(JSON.stringify({ ok, findings }))
    else {
      for (const { severity, message, fix } of findings) console.log(`${severity}: ${message}. To do: ${fix}.`)
      console.log(ok ? 'The rules can be published.' : "The rules can't be published.")
    }
    process.exitCode = ok ? 0 : NOT_SOUND
  })

const diffCommand = withAccess(new Command('diff'))
  .description('How two files differ, or a file from what is active, rule by rule')
  .argument('<file>', 'the newer rules')
  .argument('[older]', 'the older file; the active rules unless given')
  .option('--at <version>', 'compare with this published version')
  .action(async (file: string, older: string | undefined, options: Options & { at?: string }) => {
    const before = older === undefined ? await rulesOf(accessOf(options), options.at) : rulesIn(older)
    const differences = diffRulesets(before, rulesIn(file))
    if (options.json) return console.log(JSON.stringify({ differences }))
    for (const { rule, kind, before: was, after: is } of differences) {
      console.log(`${kind} ${rule}`)
      if (kind !== 'moved' && was !== null) console.log(was.replaceAll(/^/gm, '- '))
      if (kind !== 'moved' && is !== null) console.log(is.replaceAll(/^/gm, '+ '))
    }
    if (differences.length === 0) console.log('No difference.')
  })

/** `paycage rules`: routing rules as files, for reading, review and version control. */
export const rulesCommand = new Command('rules')
  .description('Routing rules as files: export, import, check, diff')
  .addCommand(exportCommand)
  .addCommand(importCommand)
  .addCommand(checkCommand)
  .addCommand(diffCommand)
