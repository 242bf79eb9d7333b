import { writeFileSync } from 'node:fs'
import { ADAPTERS } from '../src/adapters/index.ts'
import { capabilityMatrix, matrixPage } from '../src/adapters/matrix.ts'

/** Writes the page of the capability matrix from the adapters. */
writeFileSync(new URL('../docs/processors.md', import.meta.url), `${matrixPage(capabilityMatrix(ADAPTERS))}\n`)
