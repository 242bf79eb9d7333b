/** Processors' credentials by reference (`env:NAME`, `file:path#key`): the database holds the reference, never the secret. */
export type Secrets = {
  /** The secret's members. Throws when it can't be had; the message names the reference and never a value. */
  get(ref: string): Promise<Record<string, unknown>>
}

/** Where secrets of one scheme come from. `key` is what stands behind `#`: one member of a secret that holds several. */
export type SecretSource = (path: string, key: string | undefined) => Promise<Record<string, unknown>>

/** How long a secret is used without asking again, and how long it may be used when its source doesn't answer. */
export type Freshness = { readonly freshMs: number; readonly staleMs: number }

/** A minute of rotation lag; an hour of a source's outage before calls with its secrets fail. */
const DEFAULT_FRESHNESS: Freshness = { freshMs: 60_000, staleMs: 3_600_000 }
/** More references than operators have connections; past it the oldest are asked for again. */
const MAX_CACHED = 10_000

const REFERENCE = /^([a-z][a-z0-9-]{0,31}):([^#]{1,512})(?:#([A-Za-z0-9_.-]{1,128}))?$/

/** Puts sources together by scheme. Keeps what it read for a minute, and for an hour when the source is away; then it fails closed. */
export function openSecrets(
  sources: Readonly<Record<string, SecretSource>>,
  nowMs: () => number,
  { freshMs, staleMs }: Freshness = DEFAULT_FRESHNESS,
): Secrets {
  const cache = new Map<string, { readonly value: Record<string, unknown>; readonly atMs: number }>()
  return {
    async get(ref) {
      const cached = cache.get(ref)
      if (cached && nowMs() - cached.atMs < freshMs) return cached.value
      const [, scheme = '', path = '', key] = REFERENCE.exec(ref) ?? []
      const source = Object.hasOwn(sources, scheme) ? sources[scheme] : undefined
      if (!source)
        throw new Error(`secret ${ref}: must be one of ${Object.keys(sources).join(', ')}, as scheme:path#key`)
      try {
        const value = await source(path, key)
        cache.delete(ref)
        const oldest = cache.keys().next().value
        if (cache.size >= MAX_CACHED && oldest !== undefined) cache.delete(oldest)
        cache.set(ref, { value, atMs: nowMs() })
        return value
      } catch (cause) {
        if (cached && nowMs() - cached.atMs < staleMs) return cached.value
        throw new Error(`secret ${ref}: ${cause instanceof Error ? cause.message : "can't be had"}`)
      }
    },
  }
}

/** Reads a secret's text: a JSON object of members. With `key`, that member of it, which must be an object too. */
export function membersOf(text: string, key: string | undefined): Record<string, unknown> {
  const whole = objectOf(parsed(text))
  if (!whole) throw new Error('is not a JSON object')
  if (key === undefined) return whole
  const part = Object.hasOwn(whole, key) ? objectOf(whole[key]) : undefined
  if (!part) throw new Error(`has no object under ${key}`)
  return part
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    throw new Error('is not JSON')
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined
}
