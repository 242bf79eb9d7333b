/**
 * What a token may do. `cashier` is a player's own page: it reaches only endpoints that say so, for one player only.
 * The list is the one of the published contract; a new scope is added here and nowhere else.
 */
export const SCOPES = [
  'deposits:read',
  'deposits:write',
  'withdrawals:read',
  'withdrawals:write',
  'players:read',
  'players:write',
  'wallets:read',
  'wallets:write',
  'refunds:write',
  'routing:read',
  'routing:write',
  'routing:approve',
  'connections:read',
  'connections:write',
  'reviews:read',
  'reviews:decide',
  'ledger:read',
  'reports:read',
  'events:read',
  'webhooks:write',
  'keys:write',
  'audit:read',
  'sandbox:write',
  'cashier',
] as const

/** One permission. */
export type Scope = (typeof SCOPES)[number]

/** Who is calling, as the token proved it. `playerId` is set for a player's own session and binds everything it does. */
export type Caller = {
  readonly operatorId: string
  readonly clientId: string
  readonly scopes: ReadonlySet<Scope>
  readonly playerId?: string
  readonly tokenId: string
  /** The version of the API that the client is pinned to, when it is. */
  readonly apiVersion?: string
}

const KNOWN: ReadonlySet<string> = new Set(SCOPES)

/** True when the text is a scope that exists. */
export const isScope = (text: string): text is Scope => KNOWN.has(text)

/** Reads a space-separated list (RFC 6749 section 3.3), or undefined when one of its words is no scope. */
export function parseScopes(text: string): ReadonlySet<Scope> | undefined {
  const words = text.split(' ').filter((word) => word !== '')
  return words.every(isScope) ? new Set(words) : undefined
}
