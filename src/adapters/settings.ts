import { z } from 'zod'

/** Where a server listens. */
export const HttpUrl = z.url({ protocol: /^https?$/ })

/** Which environment an account is in: the processor's test or live one, or a double's, by the URL of each host. So a live account can't be pointed anywhere else. */
export const environment = (...hosts: readonly string[]) =>
  z.union([z.enum(['test', 'live']), z.strictObject(Object.fromEntries(hosts.map((name) => [name, HttpUrl])))])
