import { insertSigningKey, lockSigningKeys, retireOtherKeys, type SigningKeyRow, signingKeys } from '../db/access.ts'
import type { Db } from '../db/client.ts'
import { importKey, newKeyPair, type Signer } from './tokens.ts'

/** Seals secrets for the database. `aad` binds a sealed value to its place: moved elsewhere it doesn't open. */
export type Cipher = {
  seal(plaintext: Uint8Array, aad: string): Promise<string>
  open(sealed: string, aad: string): Promise<Uint8Array>
}

/** The keys of the house in memory. */
export type Keyring = {
  /** The key that signs now. */
  signer(): Signer
  /** The public key of this id, when it may still verify. */
  keyOf(kid: string): CryptoKey | undefined
  /** Public halves, as `/.well-known/jwks.json` shows them. */
  jwks(): { readonly keys: readonly Record<string, unknown>[] }
  /** Reads the keys again when they were read longer ago than `KEYS_FRESH_MS`. */
  freshen(): Promise<void>
}

type Deps = { readonly db: Db; readonly cipher: Cipher; readonly clock: { nowMs(): number } }

/** How old the keys in memory may be. A new key waits longer than this before it signs, so every instance knows it by then. */
const KEYS_FRESH_MS = 15_000
const ACTIVATION_MS = 60_000

/** A retired key verifies until the last of its tokens has ended; an hour is the longest life that a token may have. */
const RETIRED_MS = 3_600_000

/** Opens the keys, making the first one when there is none. */
export async function openKeyring(deps: Deps): Promise<Keyring> {
  await ensureSigningKey(deps)
  let held = await load(deps)
  let readAt = deps.clock.nowMs()
  let reading: Promise<void> | undefined
  const reread = async () => {
    held = await load(deps)
    readAt = deps.clock.nowMs()
  }
  return {
    signer() {
      const now = deps.clock.nowMs()
      const key = held.find(
        ({ row }) => row.activeAt.getTime() <= now && !(row.retiredAt && row.retiredAt.getTime() <= now),
      )
      if (key === undefined) throw new Error('no signing key is active')
      return { kid: key.row.kid, key: key.privateKey }
    },
    keyOf: (kid) => held.find(({ row }) => row.kid === kid)?.publicKey,
    jwks: () => ({
      keys: held.map(({ row }) => ({ ...row.publicJwk, kid: row.kid, use: 'sig', alg: 'EdDSA' })),
    }),
    async freshen() {
      if (deps.clock.nowMs() - readAt < KEYS_FRESH_MS) return
      reading ??= reread().finally(() => {
        reading = undefined
      })
      await reading
    },
  }
}

/** Makes the first key, of one process only, however many start at once. */
async function ensureSigningKey({ db, cipher, clock }: Deps): Promise<void> {
  const pair = await sealedPair(cipher)
  await db.global(async (tx) => {
    await lockSigningKeys(tx)
    const now = new Date(clock.nowMs())
    if ((await signingKeys(tx, now)).length === 0) await insertSigningKey(tx, { ...pair, activeAt: now })
  })
}

/** Puts a new key in place of the old ones: known at once, signing in a minute, the old ones verifying until their tokens have ended. */
export async function rotateSigningKey({ db, cipher, clock }: Deps): Promise<string> {
  const pair = await sealedPair(cipher)
  const activeAt = new Date(clock.nowMs() + ACTIVATION_MS)
  await db.global(async (tx) => {
    await lockSigningKeys(tx)
    await insertSigningKey(tx, { ...pair, activeAt })
    await retireOtherKeys(tx, pair.kid, activeAt)
  })
  return pair.kid
}

async function sealedPair(cipher: Cipher): Promise<Pick<SigningKeyRow, 'kid' | 'publicJwk' | 'sealedPrivate'>> {
  const { kid, publicJwk, privateJwk } = await newKeyPair()
  const sealedPrivate = await cipher.seal(new TextEncoder().encode(JSON.stringify(privateJwk)), placeOf(kid))
  return { kid, publicJwk: { ...publicJwk }, sealedPrivate }
}

type HeldKey = { readonly row: SigningKeyRow; readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }

async function load({ db, cipher, clock }: Deps): Promise<readonly HeldKey[]> {
  const rows = await db.global((tx) => signingKeys(tx, new Date(clock.nowMs() - RETIRED_MS)))
  return Promise.all(
    rows.map(async (row) => ({
      row,
      publicKey: await importKey(row.publicJwk),
      privateKey: await importKey(
        JSON.parse(new TextDecoder().decode(await cipher.open(row.sealedPrivate, placeOf(row.kid)))),
      ),
    })),
  )
}

const placeOf = (kid: string): string => `signing_key|sealed_private|${kid}`
