import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const MAIN = fileURLToPath(new URL('../../src/entry/node.ts', import.meta.url))
const SandboxFile = z.object({
  base_url: z.string(),
  client_id: z.string(),
  client_secret: z.string(),
  operator_id: z.string(),
  console: z.object({ url: z.string(), email: z.string(), password: z.string() }),
  second: z.object({ client_id: z.string(), client_secret: z.string() }),
  processors: z.array(
    z.object({ id: z.string(), connection_id: z.string(), control_url: z.string(), truth_file: z.string() }),
  ),
})

/** What `sandbox.json` holds. */
export type SandboxFile = z.infer<typeof SandboxFile>

/** A gateway in a process of its own, as `npm start` runs it. */
export type GatewayProcess = {
  readonly child: ChildProcess
  readonly file: SandboxFile
  /** All that it wrote to both outputs so far. */
  output(): string
  /** Sends the signal and waits for the end: the exit code, or null after SIGKILL. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null>
}

/** Starts it on a data folder and waits until it listens. Rejects with its output when it ends instead. */
export async function startGatewayProcess(dataDir: string, env: Record<string, string> = {}): Promise<GatewayProcess> {
  const { child, output, ended } = spawnGateway({ PAYCAGE_DATA_DIR: dataDir, PORT: '0', ...env })
  await new Promise<void>((listening, failed) => {
    child.stdout?.on('data', () => output().includes('Take a deposit') && listening())
    void ended.then((code) => failed(new Error(`exit code ${code}: ${output()}`)))
  })
  return {
    child,
    file: SandboxFile.parse(JSON.parse(readFileSync(join(dataDir, 'sandbox.json'), 'utf8'))),
    output,
    end(signal) {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs it until it ends by itself: for starts that must be refused. */
export async function refusedGateway(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const { output, ended } = spawnGateway(env)
  const code = await ended
  return { code, output: output() }
}

/** Begins to start it. `ended` is its exit code, or null after SIGKILL. */
export function spawnGateway(env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk
    })
  }
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
  return { child, output: () => text, ended }
}
