import type { Charge, PayOut, Refund } from '../../src/adapters/contract.ts'
import { typeId, uuidV7 } from '../../src/core/ids.ts'

/** A store on a BTCPay Server. */
export const BTCPAY_CONFIG = {
  base_url: 'https://btcpay.example',
  store_id: '9CiNzKoANXxmk5ayZngSXrHTiVvvgCrwrpFQd4m2K776',
  api_key: 'btcpay_test_key_0123456789',
  webhook_secrets: ['btcpay_test_webhook_secret'],
} as const

/** An address that nobody here has the key of: the first vector of BIP-173. */
export const BTC_ADDRESS = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'

// A minute old, and the same in every call.
const BORN_MS = Date.now() - 60_000
const attempt = (n: number): string => typeId('attempt', uuidV7(BORN_MS, new Uint8Array(10).fill(n)))
const PLAYER = { id: 'player-1', country: 'FI' } as const
const webhookUrl = 'https://pay.example.com/webhooks/btcpay/con_1'

/** A deposit of 0.0025 BTC. */
export const btcpayCharge = (change: Partial<Charge> = {}): Charge => ({
  attempt: attempt(1),
  payment: 'dep_1',
  amount: { asset: 'BTC', minor: 250_000n },
  method: { type: 'crypto', asset: 'BTC', network: 'bitcoin' },
  player: PLAYER,
  returnUrl: 'https://pay.example.com/return/att_1',
  webhookUrl,
  ...change,
})

/** A refund of 0.001 BTC of it. */
export const btcpayRefund = (reference: string): Refund => ({
  attempt: attempt(2),
  payment: 'dep_1',
  amount: { asset: 'BTC', minor: 100_000n },
  original: { attempt: attempt(1), reference, amount: { asset: 'BTC', minor: 250_000n } },
  webhookUrl,
})

/** A withdrawal of 0.002 BTC. */
export const btcpayPayOut = (): PayOut => ({
  attempt: attempt(3),
  payment: 'wdr_1',
  amount: { asset: 'BTC', minor: 200_000n },
  destination: { type: 'crypto', asset: 'BTC', network: 'bitcoin', address: BTC_ADDRESS },
  player: PLAYER,
  webhookUrl,
})
