import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { TruthLine } from '../../src/sandbox/operation.ts'
import { startProcessor } from '../../src/sandbox/start.ts'

/** What a sandbox is started with. The same `dataDir` and `port` again continue where a killed one stopped. */
export type SandboxOptions = {
  readonly id: 'sandbox_a' | 'sandbox_b' | 'sandbox_c'
  /** `process` (a child of its own, which can be killed) or `inside` this process, which starts faster. */
  readonly run?: 'process' | 'inside'
  readonly dataDir?: string
  readonly port?: number
  readonly webhookSecrets?: readonly string[]
  readonly apiKey?: string
}

/** A running sandbox processor for tests. */
export type Sandbox = {
  readonly id: string
  /** What the adapter of the same id takes as its settings. */
  readonly connectionConfig: { base_url: string; api_key: string; webhook_secrets: string[] }
  readonly controlUrl: string
  readonly dataDir: string
  /** Every line of the truth file. */
  truth(): Promise<TruthLine[]>
  /** `PUT` or `POST` below the control URL; the answer's JSON. Throws on a refusal. */
  control(change: unknown, at?: '' | '/faults' | '/webhooks'): Promise<unknown>
  /** Freezes it, or lets it go on, as a machine under pressure would; only for `run: 'process'`. */
  freeze(frozen: boolean): void
  /** Ends it as a crash would; only for `run: 'process'`. */
  kill(): Promise<void>
  /** Ends it and removes its data, unless the folder was given. */
  stop(): Promise<void>
}

const MAIN = fileURLToPath(new URL('../../src/sandbox/main.ts', import.meta.url))
const Ready = z.object({ api_url: z.string(), control_url: z.string(), truth_file: z.string() })

/** Starts a sandbox processor with secrets of its own. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { id, run = 'inside', port = 0 } = options
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), `paycage-${id}-`))
  const settings = {
    id,
    dataDir,
    port,
    apiKeys: [options.apiKey ?? `key_${randomBytes(16).toString('hex')}`],
    webhookSecrets: options.webhookSecrets ?? [`whsec_${randomBytes(24).toString('hex')}`],
    adminKey: randomBytes(12).toString('hex'),
  }
  const started = run === 'process' ? await startChild(settings) : await startInside(settings)
  const { apiUrl, controlUrl, truthFile } = started
  return {
    id,
    connectionConfig: {
      base_url: apiUrl,
      api_key: settings.apiKeys[0] ?? '',
      webhook_secrets: [...settings.webhookSecrets],
    },
    controlUrl,
    dataDir,
    truth: async () =>
      readFileSync(truthFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => TruthLine.parse(JSON.parse(line))),
    async control(change, at = '') {
      const answer = await fetch(controlUrl + at, {
        method: at === '/webhooks' ? 'POST' : 'PUT',
        body: JSON.stringify(change),
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`control refused: ${answer.status} ${text}`)
      return JSON.parse(text)
    },
    freeze: (frozen) => started.signal(frozen ? 'SIGSTOP' : 'SIGCONT'),
    kill: () => started.end('SIGKILL'),
    async stop() {
      await started.end('SIGTERM')
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

type Settings = Parameters<typeof startProcessor>[0]
type Started = {
  readonly apiUrl: string
  readonly controlUrl: string
  readonly truthFile: string
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

async function startInside(settings: Settings): Promise<Started> {
  const running = await startProcessor(settings)
  return {
    ...running,
    signal() {
      throw new Error("a sandbox inside this process can't be frozen")
    },
    end(signal) {
      if (signal === 'SIGKILL') throw new Error("a sandbox inside this process can't be killed")
      return running.close()
    },
  }
}

async function startChild({ id, dataDir, port, apiKeys, webhookSecrets, adminKey }: Settings): Promise<Started> {
  const child = spawn(process.execPath, [MAIN, '--id', id, '--data', dataDir, '--port', String(port ?? 0)], {
    env: {
      PATH: process.env.PATH,
      SANDBOX_KEYS: apiKeys.join(','),
      SANDBOX_WEBHOOK_SECRETS: webhookSecrets.join(','),
      SANDBOX_ADMIN_KEY: adminKey,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ready = Ready.parse(JSON.parse(await firstLine(child)))
  return {
    apiUrl: ready.api_url,
    controlUrl: ready.control_url,
    truthFile: ready.truth_file,
    signal: (signal) => {
      child.kill(signal)
    },
    end: (signal) =>
      new Promise((ended) => {
        if (child.exitCode !== null || child.signalCode !== null) return ended()
        child.once('exit', () => ended())
        child.kill(signal)
      }),
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    if (!child.stdout) return failed(new Error('no output'))
    createInterface({ input: child.stdout }).once('line', found)
    child.once('exit', (code) => failed(new Error(`the sandbox exited with ${code}`)))
  })
}
