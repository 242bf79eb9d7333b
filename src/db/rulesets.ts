import type { Tx } from './client.ts'

/** Which version an operator's payments run on. Version 0 is the built-in rule. */
export type ActiveRow = {
  readonly version: number
  readonly previousVersion: number | null
  readonly candidate: number | null
  readonly percent: number
  readonly steps: readonly number[]
  readonly stepSeconds: number
  readonly nextStepAt: Date | null
  readonly guardPoints: number
  readonly stageStartedAt: Date | null
  readonly scheduledVersion: number | null
  readonly scheduledAt: Date | null
  readonly scheduledBy: string | null
  readonly revertAt: Date | null
  readonly epoch: number
}

/** What runs where nothing was ever published. */
export const NOTHING_PUBLISHED: ActiveRow = {
  version: 0,
  previousVersion: null,
  candidate: null,
  percent: 0,
  steps: [],
  stepSeconds: 0,
  nextStepAt: null,
  guardPoints: 0,
  stageStartedAt: null,
  scheduledVersion: null,
  scheduledAt: null,
  scheduledBy: null,
  revertAt: null,
  epoch: 0,
}

/** What an operator's payments run on now. */
export async function readActive(tx: Tx, operatorId: string): Promise<ActiveRow> {
  const [row] = await tx<ActiveRow[]>`
    select version, previous_version, candidate, percent, steps, step_seconds, next_step_at, guard_points,
      stage_started_at, scheduled_version, scheduled_at, scheduled_by, revert_at, epoch
    from routing_active where operator_id = ${operatorId}`
  return row ?? NOTHING_PUBLISHED
}

/** The exact text of a published version, or undefined. */
export async function readVersionText(tx: Tx, operatorId: string, version: number): Promise<string | undefined> {
  const [row] = await tx<{ document: string }[]>`
    select document from ruleset_version where operator_id = ${operatorId} and version = ${version}`
  return row?.document
}
