import { fileURLToPath } from 'node:url'

/** The money path without a database: what decides, what plans, what speaks to processors. */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', fileURLToPath(new URL('texts.ts', import.meta.url))],
  ignorers: ['texts'],
  vitest: { configFile: 'test/mutation/vitest.config.ts' },
  mutate: [
    'src/core/**/*.ts',
    // The reader of rules and their analyser refuse a ruleset before it is published; they decide nothing about a payment.
    'src/router/{cascade,compile,fields,hash,local-time,plan,rates,strategies}.ts',
    'src/adapters/{amounts,encoding,exact-json,outcomes,path,signature}.ts',
    'src/adapters/*/{map,webhook}.ts',
  ],
  // What no test reads. Stryker rewrites a tsconfig that it sees, with an interface that TypeScript 7 no longer has.
  ignorePatterns: ['/.paycage', '/bench', '/coverage', '/docs', '/examples', '/ops', 'tsconfig.json'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // A mutant that only was slow, on a machine with other work, must not count as found.
  timeoutMS: 20_000,
  incremental: true,
  incrementalFile: 'coverage/mutation/pure-incremental.json',
  tempDirName: 'coverage/mutation/sandbox',
  cleanTempDir: 'always',
  reporters: ['clear-text', 'html', 'json'],
  clearTextReporter: { reportTests: false, logTests: false, allowColor: false, allowEmojis: false },
  htmlReporter: { fileName: 'coverage/mutation/pure.html' },
  jsonReporter: { fileName: 'coverage/mutation/pure.json' },
  thresholds: { high: 95, low: 90, break: 90 },
  // The sources have neither, and the sandbox must stay what was written.
  disableTypeChecks: false,
} as const
