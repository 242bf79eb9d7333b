import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asciiName, jsonOfBase64url, toHex } from '../../src/adapters/encoding.ts'

describe('JSON in base64url', () => {
  it('comes back as it was, padded or not', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (value) => {
        const text = Buffer.from(JSON.stringify(value)).toString('base64url')
        const padded = text.padEnd(Math.ceil(text.length / 4) * 4, '=')
        expect(jsonOfBase64url(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(jsonOfBase64url(padded)).toEqual(jsonOfBase64url(text))
      }),
    )
  })
  it('never throws, whatever a token holds', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => jsonOfBase64url(text)).not.toThrow()
      }),
    )
  })
  it.each(['', 'a', '%%%', 'e30+', '+e30', 'e30===', '=e30', 'e=30', 'eyJ4Ijo', '/w=='])('is none in %j', (text) => {
    expect(jsonOfBase64url(text)).toBeUndefined()
  })
})

describe('a name in ASCII', () => {
  it.each([
    ['Åsa Østergård-Straße', 'Asa Ostergard-Strasse'],
    ['Łukasz Đorđević', 'Lukasz Dordevic'],
    ['Séan O’Neill', "Sean O'Neill"],
    ['Þóra Æsa', 'THora AEsa'],
    ['Иван Петров', undefined],
    ['李雷', undefined],
    ['ßøØæÆœŒłŁđĐðÐþÞı’', "ssoOaeAEoeOElLdDdDthTHi'"],
    ['Ann Петров', undefined],
    ['Иван Smith', undefined],
    ['Ann\nSmith', undefined],
    ['  A ', '  A '],
    ['123', undefined],
    ['', undefined],
  ])('of %s is %s', (name, expected) => {
    expect(asciiName(name)).toBe(expected)
  })
})

it('writes bytes in hexadecimal', () => {
  expect(toHex(Uint8Array.from([0, 15, 255]))).toBe('000fff')
})
