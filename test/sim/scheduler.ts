/** Randomness of one seed: mulberry32, so that a run is repeated by its number. */
export type Chance = {
  /** 0 (included) to 1 (not). */
  next(): number
  /** True with this probability. */
  of(probability: number): boolean
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number
  pick<T>(list: readonly T[]): T
}

/** Opens the randomness of a seed. */
export function chance(seed: number): Chance {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
  return {
    next,
    of: (probability) => next() < probability,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick(list) {
      const chosen = list[Math.floor(next() * list.length)]
      if (chosen === undefined) throw new Error('nothing to pick from')
      return chosen
    },
  }
}

/** Whose a step is: a gateway process, which can be paused and killed, or nobody's (the world's own). */
export type Owner = { pausedUntilMs: number; dead: boolean }

type Step = {
  readonly owner: Owner | undefined
  readonly label: string
  readonly atMs: number
  run(): Promise<void> | void
  /** What still happens of it when its owner is killed: a statement that had reached the database. */
  orphan?: (() => Promise<void>) | undefined
}

/** One world's time and order: everything that happens is a step, one at a time, in an order that the seed chooses. */
export type Scheduler = {
  nowMs(): number
  /** Waits for a step of its own, does the work in it, and gives its result: the interleaving point of every port. */
  step<T>(owner: Owner | undefined, label: string, work: () => Promise<T> | T, options?: StepOptions): Promise<T>
  /** Something that happens by itself at a time. */
  at(atMs: number, label: string, work: () => Promise<void> | void, owner?: Owner): () => void
  /** When the next step is ready, ms; infinite when nothing waits. */
  nextAtMs(): number
  kill(owner: Owner): void
  /** Does the next step. False when there is none before `untilMs`. */
  turn(untilMs?: number): Promise<boolean>
  passTo(atMs: number): void
  readonly steps: () => number
}

type StepOptions = { readonly delayMs?: number; readonly orphan?: boolean }

/** Lets everything that can go on without a step go on until it waits for one. */
const settled = () => new Promise<void>((turn) => setImmediate(turn))

/** Opens the order of a world. `trace` is told of each step. */
export function scheduler(random: Chance, startMs: number, trace: (line: string) => void): Scheduler {
  let nowMs = startMs
  let waiting: Step[] = []
  let steps = 0

  const readyAt = (step: Step) => Math.max(step.atMs, step.owner?.pausedUntilMs ?? 0)

  const first = () => waiting.reduce((least, step) => Math.min(least, readyAt(step)), Number.POSITIVE_INFINITY)

  return {
    nowMs: () => nowMs,
    steps: () => steps,
    step(owner, label, work, { delayMs = 0, orphan = false } = {}) {
      return new Promise((resolve, reject) => {
        // A killed process runs no further: its promise never settles.
        if (owner?.dead) return
        const run = async () => {
          try {
            resolve(await work())
          } catch (error) {
            reject(error)
          }
        }
        const done = async () => {
          try {
            await work()
          } catch {
            // Nobody is left to hear of it.
          }
        }
        waiting.push({ owner, label, atMs: nowMs + delayMs, run, orphan: orphan ? done : undefined })
      })
    },
    at(atMs, label, run, owner) {
      if (owner?.dead) return () => {}
      const step = { owner, label, atMs: Math.max(nowMs, atMs), run }
      waiting.push(step)
      return () => {
        waiting = waiting.filter((one) => one !== step)
      }
    },
    nextAtMs: first,
    kill(owner) {
      owner.dead = true
      for (const { orphan, label } of waiting.filter((step) => step.owner === owner)) {
        if (!orphan || !random.of(0.5)) continue
        waiting.push({ owner: undefined, label: `${label} (of a dead process)`, atMs: nowMs, run: orphan })
      }
      waiting = waiting.filter((step) => step.owner !== owner)
    },
    async turn(untilMs = Number.POSITIVE_INFINITY) {
      const next = first()
      if (next > untilMs || next === Number.POSITIVE_INFINITY) return false
      nowMs = Math.max(nowMs, next)
      const ready = waiting.filter((step) => readyAt(step) <= nowMs)
      const chosen = random.pick(ready)
      waiting.splice(waiting.indexOf(chosen), 1)
      steps += 1
      trace(`${String(nowMs - startMs).padStart(9)} ${chosen.label}`)
      await chosen.run()
      await settled()
      return true
    },
    passTo(atMs) {
      nowMs = Math.max(nowMs, atMs)
    },
  }
}
