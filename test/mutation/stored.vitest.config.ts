import { defineConfig } from 'vitest/config'

/** The tests of the idempotency engine, of processors' webhooks, of the breakers and of the routing table, on a real PostgreSQL. */
export default defineConfig({
  test: {
    include: [
      'test/api/idempotent.test.ts',
      'test/flows/{dispute,late-money,parked-webhook,rulesets,webhooks}.test.ts',
      'test/router/{active,breaker,records}.test.ts',
    ],
    globalSetup: ['./test/support/global.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
