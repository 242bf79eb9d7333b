import { z } from 'zod'
import { type Secret, secret } from './secret.ts'

/** The settings of a gateway, checked together. Made once, by `loadConfig`; nothing else in the house reads the environment. */
export type Config = Readonly<z.output<typeof Schema>>

/** What a start must know when the settings don't hold: every fault at once, one line each, no value echoed. */
export type ConfigProblem = { readonly kind: 'invalid'; readonly problems: readonly string[] }

/** The settings, or everything that is wrong with them. */
export type ConfigResult = { readonly kind: 'valid'; readonly config: Config } | ConfigProblem

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
const secretText = (shape: z.ZodType<string, string>) => shape.transform((text): Secret => secret(text))
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
const databaseUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
/** 32 bytes in base64: what AES-256 and HMAC-SHA-256 take. */
const key = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 random bytes in base64 (openssl rand -base64 32)')
const list = (item: z.ZodType<string, string>) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item).max(64))
const network = z.union(
  [z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()],
  'must be addresses or networks, such as 10.0.0.0/8',
)

/** Every variable, with its default and what it is for; `.env.example` and the docs are made of this table. */
export const VARIABLES = {
  PAYCAGE_ENV: z
    .enum(['sandbox', 'live'])
    .default('sandbox')
    .describe(
      'sandbox: own database, sandbox processors, seeded operators. live: none of them, and everything below must be safe.',
    ),
  HOST: z.string().min(1).default('127.0.0.1').describe('The address to listen on.'),
  PORT: whole(0, 65_535).default(8787).describe('The port to listen on; 0 takes any free one.'),
  PAYCAGE_PUBLIC_URL: httpUrl
    .optional()
    .describe('How the outside reaches the gateway; processors call back to it. Default: http://HOST:PORT.'),
  PAYCAGE_DATA_DIR: z
    .string()
    .min(1)
    .default('.paycage')
    .describe('Where the sandbox keeps its database, keys, credentials and truth files.'),
  DATABASE_URL: secretText(databaseUrl)
    .optional()
    .describe('PostgreSQL 15 or newer. Without it the sandbox starts one of its own.'),
  PAYCAGE_DATABASE_OWNER_URL: secretText(databaseUrl)
    .optional()
    .describe(
      'The owner of the schema, for migrations. Default: DATABASE_URL. The gateway itself works as the role paycage_app.',
    ),
  PAYCAGE_DATABASE_POOL: whole(2, 200).default(20).describe('Connections to the database.'),
  PAYCAGE_STATEMENT_TIMEOUT_MS: whole(100, 120_000)
    .default(10_000)
    .describe('The server ends a statement, or a transaction left idle, after this time.'),
  PAYCAGE_MASTER_KEY: secretText(key)
    .optional()
    .describe('Wraps the keys that encrypt account data. The sandbox makes one in its data folder.'),
  PAYCAGE_PREVIOUS_MASTER_KEYS: list(key)
    .default([])
    .transform((keys) => keys.map((text) => secret(text)))
    .describe('Master keys that older data was sealed with, comma-separated, newest first.'),
  PAYCAGE_INDEX_KEY: secretText(key)
    .optional()
    .describe(
      'Makes account data searchable without showing it; changing it makes old data unfindable. The sandbox makes one.',
    ),
  PAYCAGE_SECRETS_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('The folder that "file:" secret references are read from. Default: secrets in PAYCAGE_DATA_DIR.'),
  PAYCAGE_PRIVATE_PROCESSORS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe("true: processors may be at private addresses, such as a BTCPay Server of the operator's own."),
  PAYCAGE_TRUSTED_PROXIES: list(network)
    .default([])
    .describe('Addresses of the TLS terminators in front, comma-separated; only they may say who the client is.'),
  PAYCAGE_TLS_CERT_FILE: z.string().min(1).optional().describe('PEM chain, to speak TLS without a terminator.'),
  PAYCAGE_TLS_KEY_FILE: z.string().min(1).optional().describe('PEM private key of that chain.'),
  PAYCAGE_TOKEN_LIFETIME_SECONDS: whole(60, 3600).default(900).describe('How long an access token lives.'),
  PAYCAGE_DRAIN_TIMEOUT_MS: whole(0, 300_000)
    .default(30_000)
    .describe('How long requests in flight may take to finish after SIGTERM.'),
  PAYCAGE_JOB_CONCURRENCY: whole(1, 64).default(8).describe('Background jobs at a time.'),
  PAYCAGE_METRICS_TOKEN: secretText(z.string().min(16, 'must have 16 characters or more'))
    .optional()
    .describe('The bearer token of /metrics; without it only this machine may read them.'),
  PAYCAGE_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('The least level that is logged.'),
} as const

/** The variables that hold secrets: each may come as `NAME_FILE`, a path whose content is the value. */
export const SECRET_VARIABLES: readonly string[] = [
  'DATABASE_URL',
  'PAYCAGE_DATABASE_OWNER_URL',
  'PAYCAGE_MASTER_KEY',
  'PAYCAGE_PREVIOUS_MASTER_KEYS',
  'PAYCAGE_INDEX_KEY',
  'PAYCAGE_METRICS_TOKEN',
]

const Schema = z.object(VARIABLES)

/** Reads the settings. An empty variable counts as absent; a `PAYCAGE_…` name that nothing reads is a fault, as it is a typing error. */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): ConfigResult {
  const { values, problems } = collect(environment, readFile)
  const parsed = Schema.safeParse(values)
  const misfits = parsed.error?.issues.map(({ path, message }) => ({ name: String(path[0]), message })) ?? []
  for (const { name, message } of misfits) {
    problems.push(`${name}: ${message}`)
    delete values[name]
  }
  // Without what is malformed the rest can still be held against itself: one run shows all faults.
  const rest = Schema.parse(values)
  const named = new Set(misfits.map(({ name }) => name))
  problems.push(...contradictions(rest).filter((problem) => !named.has(problem.split(':', 1).join())))
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'valid', config: rest }
}

/** The settings as they may be shown: secrets redacted, URLs without passwords. */
export function redactedConfig(config: Config): Record<string, unknown> {
  return JSON.parse(JSON.stringify(config))
}

function collect(
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): { values: Record<string, string>; problems: string[] } {
  const values: Record<string, string> = {}
  const problems: string[] = []
  for (const name of Object.keys(VARIABLES)) {
    const value = environment[name]
    if (value) values[name] = value
    const file = SECRET_VARIABLES.includes(name) ? environment[`${name}_FILE`] : undefined
    if (!file) continue
    if (value) problems.push(`${name}: is given both as itself and as ${name}_FILE`)
    try {
      values[name] = readFile(file).trimEnd()
    } catch {
      problems.push(`${name}_FILE: can't be read`)
    }
  }
  const known = new Set([...Object.keys(VARIABLES), ...SECRET_VARIABLES.map((name) => `${name}_FILE`)])
  for (const name of Object.keys(environment)) {
    if (name.startsWith('PAYCAGE_') && !name.startsWith(SECRET_REFERENCE_PREFIX) && !known.has(name))
      problems.push(`${name}: is not a setting`)
  }
  return { values, problems }
}

/** Processors' secrets may live in variables of this prefix, for `env:` references; the settings don't read them. */
export const SECRET_REFERENCE_PREFIX = 'PAYCAGE_SECRET_'

const isTls = (config: Config) => config.PAYCAGE_TLS_CERT_FILE !== undefined
const isLive = (config: Config) => config.PAYCAGE_ENV === 'live'

/** A database on another machine whose certificate would not be checked. */
function isUnverified(url: Secret | undefined): boolean {
  if (url === undefined) return false
  const { hostname, searchParams } = new URL(url.reveal())
  // Hyperdrive's address is inside the isolate: it checks the certificate itself.
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.hyperdrive.local')
  return !isHere && searchParams.get('sslmode') !== 'verify-full'
}

/** What must not stand together: each rule names the variable to change. Live refuses everything that is only good for trying out. */
const CONTRADICTIONS: readonly { broken: (config: Config) => boolean; problem: string }[] = [
  {
    broken: (config) => isTls(config) !== (config.PAYCAGE_TLS_KEY_FILE !== undefined),
    problem: 'PAYCAGE_TLS_KEY_FILE: goes together with PAYCAGE_TLS_CERT_FILE',
  },
  {
    broken: (config) => isLive(config) && config.DATABASE_URL === undefined,
    problem: 'DATABASE_URL: is required when PAYCAGE_ENV is live: the embedded database is for trying out',
  },
  {
    broken: (config) => isLive(config) && [config.DATABASE_URL, config.PAYCAGE_DATABASE_OWNER_URL].some(isUnverified),
    problem:
      'DATABASE_URL: needs sslmode=verify-full when PAYCAGE_ENV is live and the database is on another machine (the owner URL too)',
  },
  {
    broken: (config) => isLive(config) && config.PAYCAGE_MASTER_KEY === undefined,
    problem: 'PAYCAGE_MASTER_KEY: is required when PAYCAGE_ENV is live',
  },
  {
    broken: (config) => isLive(config) && config.PAYCAGE_INDEX_KEY === undefined,
    problem: 'PAYCAGE_INDEX_KEY: is required when PAYCAGE_ENV is live',
  },
  {
    broken: (config) =>
      config.PAYCAGE_MASTER_KEY !== undefined &&
      config.PAYCAGE_MASTER_KEY.reveal() === config.PAYCAGE_INDEX_KEY?.reveal(),
    problem: 'PAYCAGE_INDEX_KEY: must differ from PAYCAGE_MASTER_KEY',
  },
  {
    broken: (config) => isLive(config) && !config.PAYCAGE_PUBLIC_URL?.startsWith('https://'),
    problem: 'PAYCAGE_PUBLIC_URL: must be an https:// URL when PAYCAGE_ENV is live',
  },
  {
    broken: (config) => isLive(config) && !isTls(config) && config.PAYCAGE_TRUSTED_PROXIES.length === 0,
    problem:
      'PAYCAGE_TRUSTED_PROXIES: live refuses plain HTTP: name the TLS terminator in front, or set PAYCAGE_TLS_CERT_FILE and PAYCAGE_TLS_KEY_FILE',
  },
]

function contradictions(config: Config): string[] {
  return CONTRADICTIONS.filter(({ broken }) => broken(config)).map(({ problem }) => problem)
}
