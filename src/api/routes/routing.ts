import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { findRuleset, listApprovals, listRulesets } from '../../db/rulesets.ts'
import type { Deps } from '../../flows/deps.ts'
import { askApproval, decideRules, draftRules, editRules } from '../../flows/edit-rules.ts'
import { publishRules, type Rollout } from '../../flows/publish-rules.ts'
import { checkRules as checkDraft, replayRules, unsound, worldOf } from '../../flows/replay-rules.ts'
import { analyse, isSound } from '../../router/analyse.ts'
import { readRuleset } from '../../router/text-reader.ts'
import { endpoint } from '../endpoint.ts'
import { beforeOf, pageOf } from '../list.ts'
import { IdParams, PAGE, Page } from '../shapes.ts'
import {
  ActiveShown,
  FindingShown,
  RulesetShown,
  SimulationShown,
  showActive,
  showFinding,
  showRuleset,
  showSimulation,
  showVersion,
  VersionShown,
} from './routing-shapes.ts'

/** Rules of five hundred rows are some hundred kilobytes; conditions nest eight deep, two levels each. */
const BOUNDS = { bytes: 1_000_000, depth: 24, keys: 100_000, strings: { text: 900_000 } }
const Reason = z.string().trim().min(1).max(1_000)
const Name = z.string().trim().min(1).max(200)
const MAX_HOURS = 168

/** Rules come as JSON or as text, never both. */
const Rules = { document: z.record(z.string(), z.unknown()).optional(), text: z.string().min(1).optional() }

function documentOf({ document, text }: { document?: unknown; text?: string | undefined }): unknown {
  if ((document === undefined) === (text === undefined)) {
    throw new Fault('validation_failed', 'Send the rules as `document` or as `text`.', {
      errors: [{ pointer: '/document', code: 'required', detail: 'Exactly one of document and text.' }],
    })
  }
  return text === undefined ? document : readRuleset(text)
}

const actor = (caller: { operatorId: string; clientId: string }) => ({
  operatorId: caller.operatorId,
  by: caller.clientId,
})

export const createRuleset = endpoint({
  method: 'post',
  path: '/v1/routing/rulesets',
  tag: 'routing',
  summary: 'Begin a draft of routing rules, as JSON or as text',
  scope: 'routing:write',
  bounds: BOUNDS,
  body: z.strictObject({ name: Name, ...Rules }),
  answers: { 201: RulesetShown },
  faults: ['ruleset_invalid'],
  example: {
    body: {
      name: 'local first',
      document: { language: 1, rules: [], default: { strategy: 'ordered', connections: '*' } },
    },
  },
  handle: async (deps, { caller, body }) => ({
    status: 201,
    body: showRuleset(await draftRules(deps, actor(caller), { name: body.name, document: documentOf(body) })),
  }),
})

export const getRulesets = endpoint({
  method: 'get',
  path: '/v1/routing/rulesets',
  tag: 'routing',
  summary: 'Drafts and what became of them',
  scope: 'routing:read',
  query: z.strictObject(PAGE),
  answers: { 200: Page(RulesetShown) },
  handle: async (deps, { caller, query }) => {
    const page = { before: beforeOf('ruleset', query.cursor), limit: query.limit + 1 }
    const rows = await deps.db.tx(caller.operatorId, (tx) => listRulesets(tx, caller.operatorId, page))
    return { status: 200, body: pageOf(rows, query.limit, (row) => showRuleset(row)) }
  },
})

export const getRuleset = endpoint({
  method: 'get',
  path: '/v1/routing/rulesets/{id}',
  tag: 'routing',
  summary: 'Read a draft with its approvals',
  scope: 'routing:read',
  params: IdParams,
  answers: { 200: RulesetShown },
  handle: async (deps, { caller, params }) => ({
    status: 200,
    body: await shownRuleset(deps, caller.operatorId, params.id),
  }),
})

async function shownRuleset(deps: Pick<Deps, 'db'>, operatorId: string, id: string) {
  return await deps.db.tx(operatorId, async (tx) => {
    const row = await findRuleset(tx, operatorId, id)
    if (!row) throw new Fault('not_found', 'There is no such ruleset.')
    return showRuleset(row, await listApprovals(tx, operatorId, id))
  })
}

export const putRuleset = endpoint({
  method: 'put',
  path: '/v1/routing/rulesets/{id}',
  tag: 'routing',
  summary: 'Save a draft over the version that you read',
  scope: 'routing:write',
  bounds: BOUNDS,
  params: IdParams,
  body: z.strictObject({ expected_version: z.int().min(1), name: Name.optional(), ...Rules }),
  answers: { 200: RulesetShown },
  faults: ['version_conflict', 'illegal_state', 'ruleset_invalid'],
  example: {
    body: {
      expected_version: 1,
      document: { language: 1, rules: [], default: { strategy: 'cheapest', connections: '*' } },
    },
  },
  handle: async (deps, { caller, params, body }) => {
    const document = documentOf(body)
    const known = await deps.db.tx(caller.operatorId, (tx) => findRuleset(tx, caller.operatorId, params.id))
    if (!known) throw new Fault('not_found', 'There is no such ruleset.')
    const edit = { id: params.id, expectedVersion: body.expected_version, name: body.name ?? known.name, document }
    return { status: 200, body: showRuleset(await editRules(deps, actor(caller), edit)) }
  },
})

export const checkRuleset = endpoint({
  method: 'post',
  path: '/v1/routing/rulesets/{id}/check',
  tag: 'routing',
  summary: 'What is wrong with a draft, and what to do about it',
  scope: 'routing:read',
  params: IdParams,
  answers: { 200: z.object({ ok: z.boolean(), findings: z.array(FindingShown) }) },
  handle: async (deps, { caller, params }) => {
    const { findings, ruleset } = await checkDraft(deps, caller.operatorId, params.id)
    return { status: 200, body: { ok: ruleset !== undefined, findings: findings.map(showFinding) } }
  },
})

export const checkRules = endpoint({
  method: 'post',
  path: '/v1/routing/check',
  tag: 'routing',
  summary: 'What is wrong with rules that are not saved: for editors and for continuous integration',
  scope: 'routing:read',
  bounds: BOUNDS,
  body: z.strictObject(Rules),
  answers: { 200: z.object({ ok: z.boolean(), findings: z.array(FindingShown) }) },
  faults: ['ruleset_invalid'],
  example: { body: { document: { language: 1, rules: [], default: { strategy: 'ordered', connections: '*' } } } },
  handle: async (deps, { caller, body }) => {
    const { findings } = analyse(documentOf(body), await worldOf(deps, caller.operatorId))
    return { status: 200, body: { ok: isSound(findings), findings: findings.map(showFinding) } }
  },
})

export const simulateRuleset = endpoint({
  method: 'post',
  path: '/v1/routing/rulesets/{id}/simulate',
  tag: 'routing',
  summary: 'What a draft would have done with the payments of the last hours',
  description: `Replays up to 10,000 recorded payments through the draft and through the active rules on today's connections. \`success.expected\` has a 95 % interval of estimation, and \`coverage\` says on how many payments it rests.`,
  scope: 'routing:read',
  params: IdParams,
  body: z.strictObject({ hours: z.int().min(1).max(MAX_HOURS).default(24) }),
  answers: { 200: SimulationShown },
  faults: ['ruleset_invalid'],
  handle: async (deps, { caller, params, body }) => {
    const { findings, ruleset } = await checkDraft(deps, caller.operatorId, params.id)
    if (!ruleset) throw unsound(findings)
    return { status: 200, body: showSimulation(await replayRules(deps, caller.operatorId, ruleset, body), findings) }
  },
})

export const requestRulesetApproval = endpoint({
  method: 'post',
  path: '/v1/routing/rulesets/{id}/request_approval',
  tag: 'routing',
  summary: 'Ask another person to approve the newest version of a draft',
  scope: 'routing:write',
  params: IdParams,
  body: z.strictObject({ reason: Reason }),
  answers: { 200: RulesetShown },
  faults: ['ruleset_invalid', 'illegal_state', 'version_conflict'],
  handle: async (deps, { caller, params, body }) => {
    await askApproval(deps, actor(caller), { id: params.id, reason: body.reason })
    return { status: 200, body: await shownRuleset(deps, caller.operatorId, params.id) }
  },
})

const decide = (verb: 'approve' | 'reject', summary: string) =>
  endpoint({
    method: 'post',
    path: `/v1/routing/rulesets/{id}/${verb}`,
    tag: 'routing',
    summary,
    scope: 'routing:approve',
    params: IdParams,
    body: z.strictObject({ reason: Reason }),
    answers: { 200: RulesetShown },
    faults: ['four_eyes_required', 'illegal_state'],
    handle: async (deps, { caller, params, body }) => {
      const decision = verb === 'approve' ? 'approved' : 'rejected'
      await decideRules(deps, actor(caller), { id: params.id, decision, reason: body.reason })
      return { status: 200, body: await shownRuleset(deps, caller.operatorId, params.id) }
    },
  })

export const approveRuleset = decide('approve', 'Approve what another person wrote')
export const rejectRuleset = decide('reject', 'Send a draft back to its writer')

const Staged = z.strictObject({
  /** Shares of players before 100, rising. */
  steps: z.array(z.int().min(1).max(99)).min(1).max(10).default([5, 25]),
  step_minutes: z.int().min(1).max(10_080).default(30),
  /** Points of success rate below the present version at which it is taken back. */
  guard_points: z.number().min(0.1).max(50).default(3),
})

const Publish = z.strictObject({
  reason: Reason,
  at: z.iso.datetime().optional(),
  staged: Staged.optional(),
  break_glass: z.strictObject({ expires_at: z.iso.datetime() }).optional(),
})

function rolloutOf({ at, staged, break_glass: glass }: z.infer<typeof Publish>): Rollout {
  if ([at, staged, glass].filter((way) => way !== undefined).length > 1) {
    throw new Fault('validation_failed', 'Publish at a time, staged, or in an emergency: one of them.', {
      errors: [{ pointer: '/at', code: 'too_many', detail: 'At most one of at, staged and break_glass.' }],
    })
  }
  if (at !== undefined) return { kind: 'at', atMs: Date.parse(at) }
  if (!staged) return { kind: 'now' }
  const { steps } = staged
  if (steps.some((step, index) => index > 0 && step <= (steps[index - 1] ?? 0))) {
    throw new Fault('validation_failed', 'The steps of a staged publication rise.', {
      errors: [
        { pointer: '/staged/steps', code: 'not_rising', detail: 'Each step must be larger than the one before.' },
      ],
    })
  }
  return { kind: 'staged', steps, stepSeconds: staged.step_minutes * 60, guardPoints: staged.guard_points }
}

const Published = z.object({ version: VersionShown, active: ActiveShown })

export const publishRuleset = endpoint({
  method: 'post',
  path: '/v1/routing/rulesets/{id}/publish',
  tag: 'routing',
  summary: 'Publish an approved draft: now, at a time, or to growing shares of players',
  description:
    'Checked and replayed once more: a draft with faults, or one that would leave a recorded payment without a route, is refused. `break_glass` publishes without a second person until `expires_at`, at most 24 hours.',
  scope: 'routing:write',
  params: IdParams,
  body: Publish,
  answers: { 200: Published },
  faults: ['ruleset_invalid', 'four_eyes_required', 'illegal_state', 'version_conflict'],
  handle: async (deps, { caller, params, body }) => {
    const { version, active } = await publishRules(deps, actor(caller), {
      id: params.id,
      reason: body.reason,
      rollout: rolloutOf(body),
      ...(body.break_glass && { breakGlass: { untilMs: Date.parse(body.break_glass.expires_at) } }),
    })
    return { status: 200, body: { version: showVersion(version), active: showActive(active) } }
  },
})
