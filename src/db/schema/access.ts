import { sql } from 'drizzle-orm'
import { doublePrecision, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { at } from './columns.ts'

/*
 * Access is global: a client is looked up by its id before anybody knows which operator it belongs to. The operator
 * stands in `owner_id`, and every statement that serves an operator names it.
 */

/** A program that may get tokens for one operator. */
export const apiClient = pgTable('api_client', {
  id: text().primaryKey(),
  ownerId: text().notNull(),
  name: text().notNull(),
  /** Separated by spaces, as OAuth writes them. */
  scopes: text().notNull(),
  /** The version of the API that this client is pinned to. */
  apiVersion: text(),
  /** Public keys for `private_key_jwt`, a JWK set; null for clients with secrets only. */
  jwks: jsonb().$type<{ keys: Record<string, unknown>[] }>(),
  createdAt: at().notNull().defaultNow(),
  disabledAt: at(),
  /** Tokens from before this moment are refused: set when scopes are taken away. */
  tokensValidFrom: at(),
})

/** A client's secret, as its SHA-256 only. Two live ones may overlap while a client changes over. */
export const clientSecret = pgTable(
  'client_secret',
  {
    clientId: text().notNull(),
    /** `key_…`: names the secret without being it. */
    id: text().notNull(),
    hash: text().notNull(),
    createdAt: at().notNull().defaultNow(),
    lastUsedAt: at(),
    revokedAt: at(),
  },
  (table) => [primaryKey({ columns: [table.clientId, table.id] })],
)

/** A key that tokens are signed with. The private half is sealed under the cipher; the public half is in the JWK set until `retiredAt` plus a token's life. */
export const signingKey = pgTable('signing_key', {
  kid: text().primaryKey(),
  publicJwk: jsonb().$type<Record<string, unknown>>().notNull(),
  sealedPrivate: text().notNull(),
  createdAt: at().notNull().defaultNow(),
  /** From when it signs: later than its creation, so that every instance knows it before a token needs it. */
  activeAt: at().notNull(),
  retiredAt: at(),
})

/** Tokens that were revoked before they expired. Rows go when the token would have ended anyway. */
export const revokedToken = pgTable(
  'revoked_token',
  {
    jti: text().primaryKey(),
    clientId: text().notNull(),
    expiresAt: at().notNull(),
    revokedAt: at().notNull().default(sql`clock_timestamp()`),
  },
  (table) => [index().on(table.expiresAt)],
)

/** Assertions (RFC 7523) that were used: each is good once. */
export const usedAssertion = pgTable(
  'used_assertion',
  {
    clientId: text().notNull(),
    jti: text().notNull(),
    expiresAt: at().notNull(),
  },
  (table) => [primaryKey({ columns: [table.clientId, table.jti] }), index().on(table.expiresAt)],
)

/** Rate-limit buckets shared by all instances: when each will be empty again, in ms since 1970. */
export const rateBucket = pgTable('rate_bucket', {
  key: text().primaryKey(),
  emptyAtMs: doublePrecision().notNull(),
})
