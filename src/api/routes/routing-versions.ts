import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { ruleHits } from '../../db/decisions.ts'
import { findVersion, listPublications, listVersions } from '../../db/rulesets.ts'
import type { Deps } from '../../flows/deps.ts'
import { rollBackRules } from '../../flows/publish-rules.ts'
import { checkRules, unsound } from '../../flows/replay-rules.ts'
import { diffRulesets } from '../../router/diff.ts'
import { BUILT_IN, parseRuleset, type Ruleset } from '../../router/rules.ts'
import { endpoint } from '../endpoint.ts'
import { IdParams, PAGE } from '../shapes.ts'
import {
  ActiveShown,
  PublicationShown,
  showActive,
  showPublication,
  showVersion,
  VersionShown,
} from './routing-shapes.ts'

const Reason = z.string().trim().min(1).max(1_000)
const DAY_MS = 86_400_000

export const rollBack = endpoint({
  method: 'post',
  path: '/v1/routing/rollback',
  tag: 'routing',
  summary: 'Put the version before back, byte for byte',
  description:
    'What is staged or scheduled is called off, else the version before comes back; no approval is needed. `to_version` further back is refused with `four_eyes_required`: make a draft of that version’s text and have it approved.',
  scope: 'routing:write',
  body: z.strictObject({ to_version: z.int().min(0).optional(), reason: Reason }),
  answers: { 200: ActiveShown },
  faults: ['illegal_state', 'four_eyes_required'],
  handle: async (deps, { caller, body }) => {
    const to = body.to_version
    const order = { reason: body.reason, ...(to !== undefined && { to }) }
    return {
      status: 200,
      body: showActive(await rollBackRules(deps, { operatorId: caller.operatorId, by: caller.clientId }, order)),
    }
  },
})

const RuleFigures = z.object({ rule: z.string(), hits: z.int(), success_rate: z.number().nullable() })

export const getActiveRules = endpoint({
  method: 'get',
  path: '/v1/routing/active',
  tag: 'routing',
  summary: 'What payments run on now, how its rules fare, and what was published lately',
  scope: 'routing:read',
  answers: {
    200: z.object({ active: ActiveShown, rules_24h: z.array(RuleFigures), publications: z.array(PublicationShown) }),
  },
  handle: async (deps, { caller: { operatorId } }) => {
    const { active } = await deps.routing.stateOf(operatorId)
    const { hits, publications } = await deps.db.tx(operatorId, async (tx) => ({
      hits: await ruleHits(tx, operatorId, active.version, deps.clock.nowMs() - DAY_MS),
      publications: await listPublications(tx, operatorId, 25),
    }))
    const figures = hits.map(({ ruleId, hits: seen, known, succeeded }) => ({
      rule: ruleId,
      hits: seen,
      success_rate: known === 0 ? null : succeeded / known,
    }))
    const body = { active: showActive(active), rules_24h: figures, publications: publications.map(showPublication) }
    return { status: 200, body }
  },
})

/** Any short text passes: what is no number is simply not found, like a version that isn't there. */
const VersionParams = z.strictObject({ v: z.string().max(64) })

function numbered(text: string): number {
  if (/^(0|[1-9]\d{0,8})$/.test(text)) return Number(text)
  throw new Fault('not_found', 'There is no such version.')
}

export const getVersions = endpoint({
  method: 'get',
  path: '/v1/routing/versions',
  tag: 'routing',
  summary: 'Published versions, newest first',
  scope: 'routing:read',
  query: z.strictObject({
    limit: PAGE.limit,
    before_version: z
      .string()
      .regex(/^[1-9]\d{0,8}$/)
      .optional(),
  }),
  answers: { 200: z.object({ data: z.array(VersionShown), has_more: z.boolean() }) },
  handle: async (deps, { caller, query }) => {
    const before = query.before_version === undefined ? undefined : Number(query.before_version)
    const rows = await deps.db.tx(caller.operatorId, (tx) =>
      listVersions(tx, caller.operatorId, { before, limit: query.limit + 1 }),
    )
    const data = rows.slice(0, query.limit).map((row) => showVersion(row))
    return { status: 200, body: { data, has_more: rows.length > query.limit } }
  },
})

export const getVersion = endpoint({
  method: 'get',
  path: '/v1/routing/versions/{v}',
  tag: 'routing',
  summary: 'A published version as it was published',
  scope: 'routing:read',
  params: VersionParams,
  answers: { 200: VersionShown },
  handle: async (deps, { caller, params }) => {
    const version = numbered(params.v)
    const row = await deps.db.tx(caller.operatorId, (tx) => findVersion(tx, caller.operatorId, version))
    if (!row) throw new Fault('not_found', 'There is no such version.')
    return { status: 200, body: showVersion(row, { whole: true }) }
  },
})

const Difference = z.object({
  rule: z.string(),
  kind: z.enum(['added', 'removed', 'changed', 'moved']),
  before: z.string().nullable(),
  after: z.string().nullable(),
})
const Differences = z.object({ differences: z.array(Difference) })
const Against = z.strictObject({
  against: z
    .string()
    .regex(/^(0|[1-9]\d{0,8})$/)
    .optional(),
})

async function rulesOfVersion(deps: Pick<Deps, 'db'>, operatorId: string, version: number): Promise<Ruleset> {
  if (version === 0) return BUILT_IN
  const row = await deps.db.tx(operatorId, (tx) => findVersion(tx, operatorId, version))
  const read = row && parseRuleset(JSON.parse(row.document))
  if (!read?.ok) throw new Fault('not_found', 'There is no such version.')
  return read.ruleset
}

export const diffVersion = endpoint({
  method: 'get',
  path: '/v1/routing/versions/{v}/diff',
  tag: 'routing',
  summary: 'How a version differs from another, rule by rule; from the one before unless told',
  scope: 'routing:read',
  params: VersionParams,
  query: Against,
  answers: { 200: Differences },
  handle: async (deps, { caller, params, query }) => {
    const version = numbered(params.v)
    const against = query.against === undefined ? Math.max(0, version - 1) : Number(query.against)
    const before = await rulesOfVersion(deps, caller.operatorId, against)
    const after = await rulesOfVersion(deps, caller.operatorId, version)
    return { status: 200, body: { differences: diffRulesets(before, after) } }
  },
})

export const diffRuleset = endpoint({
  method: 'get',
  path: '/v1/routing/rulesets/{id}/diff',
  tag: 'routing',
  summary: 'How a draft differs from a version; from the active one unless told',
  scope: 'routing:read',
  params: IdParams,
  query: Against,
  answers: { 200: Differences },
  faults: ['ruleset_invalid'],
  handle: async (deps, { caller: { operatorId }, params, query }) => {
    const { draft, findings } = await checkRules(deps, operatorId, params.id)
    const read = parseRuleset(draft.document)
    if (!read.ok) throw unsound(findings)
    const { active } = await deps.routing.stateOf(operatorId)
    const against = query.against === undefined ? active.version : Number(query.against)
    const before = await rulesOfVersion(deps, operatorId, against)
    return { status: 200, body: { differences: diffRulesets(before, read.ruleset) } }
  },
})
