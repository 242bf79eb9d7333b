import { setTimeout as sleep } from 'node:timers/promises'

/** What a process started, to be ended in the opposite order, however far the start came. */
export type Lifecycle = {
  /** True from the signal on. */
  stopping(): boolean
  /**
   * Starts something and remembers how to end it, also when the signal comes while it is still starting. Throws
   * `Stopping` when the signal came before.
   */
  own<T>(name: string, start: () => Promise<T> | T, end: (started: T) => Promise<void> | void): Promise<T>
  /** Ends everything, once, and then the process with this code. */
  stop(code: number): Promise<void>
  /** Resolves when the second signal came: nobody wants to wait any longer. */
  readonly hurry: Promise<void>
}

/** Thrown into a start that a signal overtook. */
export const STOPPED = Symbol('stopped')

/** Whatever hangs while ending must not keep the process: longer than the longest drain that can be set. */
const GIVE_UP_MS = 20_000

/** Makes it and listens for SIGTERM and SIGINT, before anything is started. `within` is the time that a drain may take. */
export function lifecycle(drainMs: number, say: (line: string) => void): Lifecycle {
  const owned: { name: string; end: () => Promise<void> }[] = []
  let stopped: Promise<void> | undefined
  let hurryUp = () => {}
  const hurry = new Promise<void>((done) => {
    hurryUp = done
  })

  async function endAll(code: number) {
    for (const { name, end } of owned.reverse()) {
      try {
        await Promise.race([end(), sleep(drainMs + GIVE_UP_MS, undefined, { ref: false }).then(late)])
      } catch (error) {
        say(`${name} did not end cleanly: ${error instanceof Error ? error.message : error}`)
        process.exitCode = 1
      }
    }
    process.exit(process.exitCode ?? code)
  }

  const self: Lifecycle = {
    hurry,
    stopping: () => stopped !== undefined,
    async own(name, start, end) {
      if (stopped) throw STOPPED
      const starting = Promise.resolve(start())
      owned.push({
        name,
        // A start that failed has nothing to be ended and says so itself.
        end: () => starting.then(end, () => {}),
      })
      return starting
    },
    stop(code) {
      stopped ??= endAll(code)
      return stopped
    },
  }
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (stopped) return hurryUp()
      say(`${name}: finishing what is under way`)
      void self.stop(0)
    })
  }
  return self
}

const late = () => {
  throw new Error('it took too long')
}
