import { SECRET_REFERENCE_PREFIX } from '../config.ts'
import { membersOf, type SecretSource } from '../secrets.ts'

const NAME = /^[A-Z0-9_]{1,128}$/

/** `env:PAYCAGE_SECRET_NAME`: a JSON object in a variable. Only names of that prefix, so that a reference can't read the master key. */
export function envSecrets(environment: Readonly<Record<string, unknown>>): SecretSource {
  return async (name, key) => {
    if (!NAME.test(name) || !name.startsWith(SECRET_REFERENCE_PREFIX))
      throw new Error(`must be a variable whose name begins with ${SECRET_REFERENCE_PREFIX}`)
    const text = environment[name]
    if (typeof text !== 'string') throw new Error('is not set')
    return membersOf(text, key)
  }
}
