import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { SteerSandbox } from '../api/routes/sandbox.ts'
import { typeId, uuidV7 } from '../core/ids.ts'
import { lockDataFolder, makeDataFolder, writePrivateFile } from '../platform/data-folder.ts'
import type { Gateway } from './build.ts'
import type { Lifecycle } from './lifecycle.ts'
import { type SandboxProcess, startSandboxProcess } from './sandboxes.ts'
import {
  type Kept,
  keep,
  readKept,
  SANDBOX_IDS,
  sandboxFile,
  sandboxSettings,
  seedOperators,
  withOperators,
} from './seed.ts'

/** What a sandbox gateway brings with it: a data folder of its own, credentials, and three processors in processes of their own. */
export type SandboxWorld = {
  readonly kept: Kept
  readonly steer: SteerSandbox
  /** Waits for the processors, fills the database, writes `sandbox.json`. */
  settle(gateway: Gateway, baseUrl: string): Promise<Kept>
}

const STEER_MS = 5_000

/** Takes the data folder for this process, or says that another one has it. */
export async function ownDataFolder(path: string, life: Lifecycle): Promise<string> {
  const folder = makeDataFolder(path)
  const lock = await life.own(
    'data folder',
    () => lockDataFolder(folder),
    (taken) => taken?.release(),
  )
  if (!lock)
    throw new Error(`another gateway is running on ${folder}: stop it, or choose another folder with PAYCAGE_DATA_DIR`)
  return folder
}

/** Begins to start the processors; they and the database come up side by side. */
export function startSandboxWorld(
  dataDir: string,
  life: Lifecycle,
  warn: (event: string, fields: Record<string, string>) => void,
): SandboxWorld {
  const newOperatorId = () => typeId('operator', uuidV7(Date.now(), randomBytes(10)))
  const kept = withOperators(readKept(dataDir), newOperatorId, new Date())
  keep(dataDir, kept)
  const starting = Promise.all(
    SANDBOX_IDS.map((id) =>
      life.own(
        id,
        () => startSandboxProcess(sandboxSettings(kept, dataDir, id), (event) => warn(event, { processor: id })),
        (running) => running.stop(),
      ),
    ),
  )
  // Whoever waits for them hears of a failure; until then it is nobody's.
  starting.catch(() => {})
  return {
    kept,
    async steer(id, change) {
      const processor = (await starting).find((running) => running.id === id)
      if (!processor) return undefined
      const signal = AbortSignal.timeout(STEER_MS)
      const answer = await fetch(processor.controlUrl, { method: 'PUT', body: JSON.stringify(change), signal })
      return answer.json()
    },
    async settle(gateway, baseUrl) {
      const processors = await starting
      const seeded = await seedOperators(gateway, withPorts(kept, processors), processors)
      keep(dataDir, seeded)
      const content = await sandboxFile(gateway, baseUrl, seeded, processors)
      writePrivateFile(join(dataDir, 'sandbox.json'), `${JSON.stringify(content, null, 2)}\n`)
      return seeded
    },
  }
}

function withPorts(kept: Kept, processors: readonly SandboxProcess[]): Kept {
  const ports = processors.flatMap(({ id, apiUrl, controlUrl }) => {
    const known = kept.processors[id]
    const port = Number(new URL(apiUrl).port)
    return known ? [[id, { ...known, port, controlPort: Number(new URL(controlUrl).port) }] as const] : []
  })
  return { ...kept, processors: Object.fromEntries(ports) }
}
