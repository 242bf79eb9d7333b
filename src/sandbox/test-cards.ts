/** The test cards behind the hosted fields' tokens. There is no other card here, and no number. */
export const TEST_CARDS = {
  tok_sandbox_ok: { selection: 'ok', title: 'Approved', fingerprint: 'fp_sandbox_ok', last4: '0001' },
  tok_sandbox_3ds: { selection: '3ds', title: 'Asks for 3-D Secure', fingerprint: 'fp_sandbox_3ds', last4: '0002' },
  tok_sandbox_stolen: { selection: 'stolen', title: 'Stolen card', fingerprint: 'fp_sandbox_stolen', last4: '0003' },
} as const

/** A token of the sandbox. */
export type TestToken = keyof typeof TEST_CARDS

/** True for the tokens that exist. */
export const isTestToken = (token: string): token is TestToken => Object.hasOwn(TEST_CARDS, token)
