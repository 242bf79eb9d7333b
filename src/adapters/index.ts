import { adyen } from './adyen/index.ts'
import { btcpay } from './btcpay/index.ts'
import type { Adapter } from './contract.ts'
import { sandboxA, sandboxB, sandboxC } from './sandbox/index.ts'

/** Every adapter of the house. A new processor is one line here; only entry/ reads this list. */
export const ADAPTERS: readonly Adapter[] = [sandboxA, sandboxB, sandboxC, adyen, btcpay]
