/** A staged rollout as the guide has it. */
export const DEFAULT_STEPS = [5, 25] as const
/** Guards are kept in hundredths of a point. */
export const GUARD_SCALE = 100

/** Nothing staged, nothing scheduled, no end. */
export const SETTLED = {
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
} as const
