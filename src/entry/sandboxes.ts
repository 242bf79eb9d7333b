import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** What one sandbox processor is started with; secrets go by environment, since arguments are everybody's to see. */
export type SandboxSettings = {
  readonly id: string
  readonly dataDir: string
  readonly port: number
  readonly controlPort: number
  readonly apiKeys: readonly string[]
  readonly webhookSecrets: readonly string[]
  readonly adminKey: string
}

/** A sandbox processor in a process of its own. */
export type SandboxProcess = {
  readonly id: string
  readonly apiUrl: string
  readonly controlUrl: string
  readonly truthFile: string
  stop(): Promise<void>
}

const MAIN = fileURLToPath(new URL('../sandbox/main.ts', import.meta.url))
const Ready = z.object({ api_url: z.url(), control_url: z.url(), truth_file: z.string() })

/** A processor that died is back after this, as a real one would be; killed in a loop it doesn't take the machine. */
const RESTART_MS = 1_000
/** The one of a killed gateway notices that and goes; until then its ports are taken. */
const PORT_FREE_MS = 5_000
const READY_MS = 20_000
const STOP_MS = 5_000

/** Starts one, on its old ports where they are free and on others where not, and again whenever it dies. */
export async function startSandboxProcess(
  settings: SandboxSettings,
  warn: (event: string) => void,
): Promise<SandboxProcess> {
  let stopping = false
  let running = await firstStart(settings)
  const { apiUrl } = running.ready
  const keep = () => {
    running.child.once('exit', async () => {
      if (stopping) return
      warn('sandbox_processor_died')
      while (!stopping) {
        await new Promise((done) => setTimeout(done, RESTART_MS))
        const again = await start({ ...settings, ...portsOf(running.ready) }).catch(() => undefined)
        if (!again) continue
        running = again
        return stopping ? end(running.child) : keep()
      }
    })
  }
  keep()
  return {
    id: settings.id,
    apiUrl,
    controlUrl: running.ready.controlUrl,
    truthFile: running.ready.truthFile,
    async stop() {
      stopping = true
      await end(running.child)
    },
  }
}

type Running = {
  readonly child: ChildProcess
  readonly ready: { readonly apiUrl: string; readonly controlUrl: string; readonly truthFile: string }
}

async function firstStart(settings: SandboxSettings): Promise<Running> {
  for (const deadline = Date.now() + PORT_FREE_MS; ; ) {
    try {
      return await start(settings)
    } catch (error) {
      if (settings.port === 0) throw error
      if (Date.now() > deadline) return start({ ...settings, port: 0, controlPort: 0 })
      await new Promise((done) => setTimeout(done, 200))
    }
  }
}

async function start(settings: SandboxSettings): Promise<Running> {
  const { id, dataDir, port, controlPort, apiKeys, webhookSecrets, adminKey } = settings
  const ports = ['--port', String(port), '--control-port', String(controlPort)]
  // A session of its own, so that Ctrl-C reaches the gateway alone, which then ends it; the channel tells it when the
  // gateway is gone without having done so.
  const child = spawn(process.execPath, [MAIN, '--id', id, '--data', dataDir, ...ports], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      SANDBOX_KEYS: apiKeys.join(','),
      SANDBOX_WEBHOOK_SECRETS: webhookSecrets.join(','),
      SANDBOX_ADMIN_KEY: adminKey,
    },
  })
  let said = ''
  child.stderr?.on('data', (chunk) => {
    if (said.length < 4_000) said += chunk
  })
  try {
    const { api_url, control_url, truth_file } = Ready.parse(JSON.parse(await firstLine(child)))
    return { child, ready: { apiUrl: api_url, controlUrl: control_url, truthFile: truth_file } }
  } catch {
    child.kill('SIGKILL')
    throw new Error(`the sandbox processor ${id} did not start: ${said}`)
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    const timer = setTimeout(() => failed(new Error('it took too long')), READY_MS)
    const { stdout } = child
    if (stdout) createInterface({ input: stdout }).once('line', found)
    child.once('exit', (code) => failed(new Error(`exit code ${code}`)))
    child.once('error', failed)
    child.once('exit', () => clearTimeout(timer))
    stdout?.once('data', () => clearTimeout(timer))
  })
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((ended) => {
    if (child.exitCode !== null || child.signalCode !== null) return ended()
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      ended()
    })
    child.kill('SIGTERM')
  })
}

const portsOf = ({ apiUrl, controlUrl }: Running['ready']) => ({
  port: Number(new URL(apiUrl).port),
  controlPort: Number(new URL(controlUrl).port),
})
