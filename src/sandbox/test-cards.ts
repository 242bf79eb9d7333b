/**
 * The test cards behind the hosted fields' tokens. There is no other card here, and no number. The first one's scheme sets
 * no bounds on retries, so that every amount can be played on it for ever; those of Visa and Mastercard do.
 */
export const TEST_CARDS = {
  tok_sandbox_ok: {
    selection: 'ok',
    title: 'Approved',
    last4: '0001',
    brand: 'amex',
    funding: 'credit',
    country: 'MT',
  },
  tok_sandbox_3ds: {
    selection: '3ds',
    title: 'Asks for 3-D Secure',
    last4: '0002',
    brand: 'mastercard',
    funding: 'credit',
    country: 'DE',
  },
  tok_sandbox_stolen: {
    selection: 'stolen',
    title: 'Stolen card',
    last4: '0003',
    brand: 'visa',
    funding: 'debit',
    country: 'GB',
  },
  tok_sandbox_visa: {
    selection: 'visa',
    title: 'Approved, a Visa debit card',
    last4: '0004',
    brand: 'visa',
    funding: 'debit',
    country: 'SE',
  },
  tok_sandbox_mastercard: {
    selection: 'mastercard',
    title: 'Approved, a prepaid Mastercard',
    last4: '0005',
    brand: 'mastercard',
    funding: 'prepaid',
    country: 'FI',
  },
} as const

/** A token of the sandbox. */
export type TestToken = keyof typeof TEST_CARDS

/** True for the tokens that exist. */
export const isTestToken = (token: string): token is TestToken => Object.hasOwn(TEST_CARDS, token)
