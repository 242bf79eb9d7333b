import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { createClient, rotateClientSecret } from '../auth/clients.ts'
import { SCOPES } from '../auth/scopes.ts'
import { findClient } from '../db/access.ts'
import { insertConnection, listConnections, updateConnection } from '../db/connections.ts'
import { listDecisions } from '../db/decisions.ts'
import { insertOperator } from '../db/operators.ts'
import { findPlayer, savePlayer } from '../db/players.ts'
import { seedHistory } from '../flows/seed-history.ts'
import { writePrivateFile } from '../platform/data-folder.ts'
import type { SecretSource } from '../platform/secrets.ts'
import type { Gateway } from './build.ts'
import type { SandboxProcess, SandboxSettings } from './sandboxes.ts'

/** The sandbox processors that a sandbox gateway brings with it. */
export const SANDBOX_IDS = ['sandbox_a', 'sandbox_b', 'sandbox_c'] as const

/** The player that the first request is made for. */
export const DEMO_PLAYER = 'demo-player'

/** Payments of a busy day: enough for every rule to meet some. */
const FIRST_DAY = 10_000
/** Everybody tests with the same few IBANs and addresses. */
const SANDBOX_SETTINGS = { withdrawal: { sharedDestination: 'allow' } }

const Account = z.object({ apiKey: z.string(), webhookSecret: z.string() })
const Operator = z.object({
  name: z.string(),
  operatorId: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  /** When the secret was made: it is changed long before it is refused for its age. */
  secretAt: z.iso.datetime(),
  email: z.string(),
  password: z.string(),
  accounts: z.record(z.string(), Account),
})
const Processor = z.object({ port: z.int(), controlPort: z.int(), adminKey: z.string() })
const Kept = z.object({ operators: z.record(z.string(), Operator), processors: z.record(z.string(), Processor) })

/** The credentials of a data folder, made at random the first time; `operators` by the names `demo` and `second`. */
export type Kept = z.infer<typeof Kept>

const DAY_MS = 86_400_000
const ROTATE_AFTER_MS = 60 * DAY_MS

const token = (prefix: string, bytes = 24) => `${prefix}_${randomBytes(bytes).toString('base64url')}`

/** Reads the credentials of the data folder, or makes them up. Operators' clients are made later, by `seedOperators`. */
export function readKept(dataDir: string): Kept {
  const path = join(dataDir, 'credentials.json')
  return existsSync(path) ? Kept.parse(JSON.parse(readFileSync(path, 'utf8'))) : { operators: {}, processors: {} }
}

/** Writes them, for their owner's eyes only. */
export function keep(dataDir: string, kept: Kept): void {
  writePrivateFile(join(dataDir, 'credentials.json'), `${JSON.stringify(kept, null, 2)}\n`)
}

/** The credentials that processors and operators share must stand before either is started. */
export function withOperators(kept: Kept, newOperatorId: () => string, now: Date): Kept {
  const operators = Object.fromEntries(
    ['demo', 'second'].map((name) => {
      const made = {
        name,
        operatorId: newOperatorId(),
        clientId: '',
        clientSecret: '',
        secretAt: now.toISOString(),
        email: `${name}@paycage.localhost`,
        password: randomBytes(15).toString('base64url'),
        accounts: Object.fromEntries(
          SANDBOX_IDS.map((id) => [id, { apiKey: token('sbk'), webhookSecret: token('whsec') }]),
        ),
      }
      return [name, kept.operators[name] ?? made]
    }),
  )
  const processors = Object.fromEntries(
    SANDBOX_IDS.map((id) => [id, kept.processors[id] ?? { port: 0, controlPort: 0, adminKey: token('adm') }]),
  )
  return { operators, processors }
}

/** What a processor is started with. */
export function sandboxSettings(kept: Kept, dataDir: string, id: string): SandboxSettings {
  const processor = kept.processors[id]
  if (!processor) throw new Error(`no credentials for ${id}`)
  const accounts = Object.values(kept.operators).flatMap(({ accounts }) => accounts[id] ?? [])
  return {
    id,
    dataDir: join(dataDir, 'processors', id),
    ...processor,
    apiKeys: accounts.map(({ apiKey }) => apiKey),
    webhookSecrets: accounts.map(({ webhookSecret }) => webhookSecret),
  }
}

/** `sandbox:<operator>/<processor>`: an operator's credentials at a sandbox processor, from the data folder. */
export function sandboxSecrets(kept: Kept): SecretSource {
  return async (path) => {
    const [operatorId, processor = ''] = path.split('/')
    const operator = Object.values(kept.operators).find((one) => one.operatorId === operatorId)
    const account = operator?.accounts[processor]
    if (!account) throw new Error('is no account of the sandbox')
    return { api_key: account.apiKey, webhook_secrets: [account.webhookSecret] }
  }
}

/** Brings operators, their clients, connections and the demo player into the database, and the client's secrets into `kept`. Repeating it changes nothing. */
export async function seedOperators(
  { deps, clients }: Pick<Gateway, 'deps' | 'clients'>,
  kept: Kept,
  processors: readonly SandboxProcess[],
): Promise<Kept> {
  const operators: Kept['operators'] = {}
  for (const [key, operator] of Object.entries(kept.operators)) {
    const { operatorId, name } = operator
    await deps.db.global((tx) => insertOperator(tx, { id: operatorId, name, settings: SANDBOX_SETTINGS }))
    operators[key] = { ...operator, ...(await clientOf(clients, operator)) }
    await deps.db.tx(operatorId, async (tx) => {
      const known = new Map((await listConnections(tx, operatorId)).map((connection) => [connection.label, connection]))
      for (const { id: processor, apiUrl } of processors) {
        const config = { base_url: apiUrl }
        const found = known.get(processor)
        if (found) await updateConnection(tx, operatorId, found.id, { config })
        else {
          const secretRef = `sandbox:${operatorId}/${processor}`
          const id = deps.newId('connection')
          await insertConnection(tx, operatorId, { id, processor, label: processor, config, secretRef })
        }
      }
      if (!(await findPlayer(tx, operatorId, DEMO_PLAYER))) {
        const verified = { country: 'FI', currency: 'EUR', name: 'Demo Player', kycStatus: 'verified' } as const
        await savePlayer(tx, operatorId, DEMO_PLAYER, { ...verified, dateOfBirth: '1990-01-01' }, 'seed')
      }
    })
  }
  const demo = operators.demo
  if (demo) await seedFirstDay(deps, demo.operatorId)
  return { ...kept, operators }
}

/** A day of payments that never were, the first time: so that a simulation of routing rules means something at once. */
async function seedFirstDay(deps: Gateway['deps'], operatorId: string): Promise<void> {
  const [known] = await deps.db.tx(operatorId, (tx) => listDecisions(tx, operatorId, { sinceMs: 0, limit: 1 }))
  if (!known) await seedHistory(deps, operatorId, FIRST_DAY)
}

/** The client that the credentials name, or a new one where the database doesn't know it. */
async function clientOf(clients: Gateway['clients'], operator: z.infer<typeof Operator>) {
  const { operatorId, clientId, clientSecret, name } = operator
  const nowMs = clients.clock.nowMs()
  const secretAt = new Date(nowMs).toISOString()
  const known = clientSecret !== '' && (await clients.db.global((tx) => findClient(tx, clientId)))
  if (!known) {
    const scopes = SCOPES.filter((scope) => scope !== 'cashier')
    return { ...(await createClient(clients, { operatorId, name: `${name} sandbox`, scopes })), secretAt }
  }
  if (nowMs - Date.parse(operator.secretAt) < ROTATE_AFTER_MS) return {}
  return { ...(await rotateClientSecret(clients, operatorId, clientId)), secretAt }
}

/** The content of `sandbox.json`: all that is needed to try the gateway out. */
export async function sandboxFile(
  { deps }: Pick<Gateway, 'deps'>,
  baseUrl: string,
  kept: Kept,
  processors: readonly SandboxProcess[],
): Promise<Record<string, unknown>> {
  const { demo, second } = kept.operators
  if (!demo || !second) throw new Error('the operators were not seeded')
  const connections = await deps.db.tx(demo.operatorId, (tx) => listConnections(tx, demo.operatorId))
  return {
    base_url: baseUrl,
    client_id: demo.clientId,
    client_secret: demo.clientSecret,
    operator_id: demo.operatorId,
    console: { url: `${baseUrl}/console`, email: demo.email, password: demo.password },
    second: { client_id: second.clientId, client_secret: second.clientSecret },
    processors: processors.map(({ id, controlUrl, truthFile }) => ({
      id,
      connection_id: connections.find(({ label }) => label === id)?.id,
      control_url: controlUrl,
      truth_file: truthFile,
    })),
  }
}
