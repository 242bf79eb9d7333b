import { Fault } from '../../core/errors.ts'
import type { EdgeMiddleware } from '../edge.ts'

/** Versions of the API, oldest first. A change that could break a client gets a new one, with a translation for the old. */
export const API_VERSIONS = ['2026-11-22'] as const

/** What a client speaks that is pinned to nothing. */
export const CURRENT_VERSION = '2026-11-22'

const KNOWN: ReadonlySet<string> = new Set(API_VERSIONS)

/** Finds the version that a request speaks (its own header, else its client's pin, else the newest) and echoes it. */
export const apiVersion: EdgeMiddleware = async (c, next) => {
  const version = c.req.header('paycage-version') ?? c.get('caller')?.apiVersion ?? CURRENT_VERSION
  if (!KNOWN.has(version))
    throw new Fault('unsupported_version', `This Paycage-Version does not exist. Known: ${API_VERSIONS.join(', ')}.`)
  c.set('apiVersion', version)
  c.get('headers')['paycage-version'] = version
  await next()
}
