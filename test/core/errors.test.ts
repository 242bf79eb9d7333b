import { expect, it } from 'vitest'
import { assert, CODES, Fault } from '../../src/core/errors.ts'

it('refuses with a code, a text and what the caller needs beside them', () => {
  const fault = new Fault('rate_limited', 'Slow down.', { retryAfterSeconds: 3 })
  expect(fault).toBeInstanceOf(Error)
  expect(fault).toMatchObject({ name: 'Fault', code: 'rate_limited', message: 'Slow down.' })
  expect(fault.extra).toEqual({ retryAfterSeconds: 3 })
  expect(new Fault('not_found', 'Gone.').extra).toEqual({})
})

it('ends on a mistake of ours, and on nothing else', () => {
  expect(() => assert(true, 'fine')).not.toThrow()
  for (const wrong of [false, null, undefined, 0, ''])
    expect(() => assert(wrong, 'not so')).toThrow('assertion failed: not so')
})

it('has each code once', () => expect(new Set(CODES).size).toBe(CODES.length))
