import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['./test/support/global.ts'],
    // Real PostgreSQL and real HTTP on two cores: a slow machine must not turn a right answer red.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // The local Workers runtime asks its vendor for nothing and tells it nothing.
    env: { CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' },
  },
})
