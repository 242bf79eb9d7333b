import { type Code, Fault } from '../../src/core/errors.ts'

/** The code that `work` refuses with, or what it gave when it didn't refuse. Anything else that it throws is thrown on. */
export function refusal(work: () => unknown): Code | { readonly gave: unknown } {
  return faultOf(work)?.code ?? { gave: work() }
}

/** The fault that `work` throws, when it throws one. */
export function faultOf(work: () => unknown): Fault | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}
