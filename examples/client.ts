import { z } from 'zod'

/** `sandbox.json` as `npm start` writes it. */
export const SandboxFile = z.object({
  base_url: z.string(),
  client_id: z.string(),
  client_secret: z.string(),
  processors: z.array(z.object({ id: z.string(), connection_id: z.string(), truth_file: z.string() })),
})

const Attempt = z.object({
  id: z.string(),
  n: z.number(),
  processor: z.string(),
  status: z.string(),
  decline: z.object({ code: z.string() }).nullable(),
  reason: z.string().nullable(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
})

/** What the story reads of the gateway's answers. */
const Body = z.object({
  id: z.string().optional(),
  status: z.union([z.string(), z.number()]).optional(),
  code: z.string().optional(),
  amount: z.string().optional(),
  currency: z.string().optional(),
  processor: z.string().nullish(),
  ok: z.boolean().optional(),
  journals: z.union([z.number(), z.string()]).optional(),
  next_action: z.object({ url: z.string().optional() }).nullish(),
  attempts: z.array(Attempt).optional(),
  decision: z.object({ candidates: z.array(z.object({ processor: z.string(), reason: z.string() })) }).optional(),
  checks: z.array(z.object({ name: z.string(), status: z.string() })).optional(),
  balances: z.array(z.object({ cash: z.string() })).optional(),
  data: z.array(z.looseObject({ id: z.string().optional() })).optional(),
  next_cursor: z.string().nullish(),
})

/** An answer of the gateway. */
export type Reply = { readonly status: number; readonly body: z.infer<typeof Body> }

/** A gateway with a token of the demo operator. */
export type Gateway = {
  readonly sandbox: z.infer<typeof SandboxFile>
  get(path: string): Promise<Reply>
  put(path: string, json: unknown): Promise<Reply>
  post(path: string, json: unknown): Promise<Reply>
  /** Every item of a list, page after page. */
  all(path: string): Promise<z.infer<typeof Body>[]>
  /** A webhook in the name of the first processor, with a signature that isn't its. */
  forgedWebhook(json: unknown): Promise<Reply>
}

/** Takes a token and speaks the API with it; each POST gets an idempotency key of its own. */
export async function gatewayAt(sandbox: z.infer<typeof SandboxFile>): Promise<Gateway> {
  const { base_url: base, client_id: id, client_secret: secret } = sandbox
  const granted = await fetch(`${base}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const { access_token: token } = z.object({ access_token: z.string() }).parse(await granted.json())

  const call = async (method: string, path: string, json?: unknown): Promise<Reply> => {
    const answer = await fetch(base + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(method === 'POST' && { 'idempotency-key': crypto.randomUUID() }),
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    })
    return { status: answer.status, body: Body.parse(await answer.json()) }
  }
  const [first] = sandbox.processors
  return {
    sandbox,
    get: (path) => call('GET', path),
    put: (path, json) => call('PUT', path, json),
    post: (path, json) => call('POST', path, json),
    async all(path) {
      const items: z.infer<typeof Body>[] = []
      for (let cursor: string | null | undefined; ; ) {
        const page = await call('GET', cursor ? `${path}&cursor=${cursor}` : path)
        for (const item of page.body.data ?? []) items.push(Body.parse(item))
        cursor = page.body.next_cursor
        if (!cursor) return items
      }
    },
    async forgedWebhook(json) {
      const answer = await fetch(`${base}/webhooks/${first?.id}/${first?.connection_id}`, {
        method: 'POST',
        headers: { 'x-sandbox-signature': `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}` },
        body: JSON.stringify(json),
      })
      return { status: answer.status, body: Body.parse(await answer.json()) }
    },
  }
}
