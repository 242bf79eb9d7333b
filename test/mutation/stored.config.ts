import pure from './stryker.config.ts'

/** The part of the money path whose rules stand in statements of the database: each mutant meets a real PostgreSQL. */
export default {
  ...pure,
  vitest: { configFile: 'test/mutation/stored.vitest.config.ts' },
  mutate: [
    'src/api/idempotent.ts',
    'src/db/idempotency.ts',
    'src/flows/{apply-webhook,receive-webhook}.ts',
    'src/router/{active,breaker,records}.ts',
  ],
  incrementalFile: 'coverage/mutation/stored-incremental.json',
  htmlReporter: { fileName: 'coverage/mutation/stored.html' },
  jsonReporter: { fileName: 'coverage/mutation/stored.json' },
} as const
