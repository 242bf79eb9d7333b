import { defineConfig } from 'vitest/config'

/** The tests of the money path that need no database: a mutant must be judged in seconds. */
export default defineConfig({
  test: {
    include: [
      'test/{core,adapters,contract}/**/*.test.ts',
      'test/router/{cascade,compile,fields,hash,local-time,plan,rates,strategies}.test.ts',
    ],
    // One compares a page of docs, which the sandbox doesn't hold; the other is about a file that isn't mutated and waits for real time.
    exclude: ['test/adapters/{house,send}.test.ts'],
    testTimeout: 30_000,
  },
})
