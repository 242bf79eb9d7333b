import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ID_PREFIXES, typeId, uuidText, uuidV7 } from '../../src/core/ids.ts'
import { holdsPan, isCardDataName } from '../../src/core/pan.ts'

/** Numbers that the brands and processors publish for tests; none belongs to anybody. */
const CARDS = {
  visa: '4111111111111111',
  'visa 13': '4222222222222',
  'visa 19': '4000000000000000006',
  'visa electron': '4917300800000000',
  mastercard: '5555555555554444',
  'mastercard 2-series': '2223003122003222',
  'american express': '378282246310005',
  'american express 34': '343434343434343',
  discover: '6011111111111117',
  'discover 65': '6510000000000133',
  'diners club': '30569309025904',
  'diners club 36': '36227206271667',
  'diners club 38': '38520000023237',
  jcb: '3530111333300000',
  unionpay: '6200000000000005',
  'unionpay 19': '6205500000000000004',
  maestro: '6759649826438453',
  'maestro 50': '5018000000000009',
  mir: '2200000000000004',
  dankort: '5019717010103742',
  rupay: '6074820000000009',
  elo: '6362970000457013',
  hipercard: '6062826786276634',
  troy: '9792000000000003',
} as const

const groups = (card: string, separator: string, size = 4) =>
  (card.match(new RegExp(`.{1,${size}}`, 'g')) ?? []).join(separator)
const inScript = (card: string, zero: number) =>
  [...card].map((digit) => String.fromCodePoint(zero + Number(digit))).join('')

const SPELLINGS: Readonly<Record<string, (card: string) => string>> = {
  bare: (card) => card,
  'in fours': (card) => groups(card, ' '),
  'with dashes': (card) => groups(card, '-'),
  'with dots': (card) => groups(card, '.'),
  'with slashes': (card) => groups(card, '/'),
  'with underscores': (card) => groups(card, '_'),
  'with mixed separators': (card) => groups(card, '- ', 4).replace('- ', '.').replace('- ', ' '),
  'digit by digit': (card) => groups(card, ' ', 1),
  'full-width': (card) => inScript(card, 0xff10),
  'arabic-indic': (card) => inScript(card, 0x660),
  devanagari: (card) => inScript(card, 0x966),
  'mathematical bold': (card) => inScript(card, 0x1d7ce),
  'with no-break spaces': (card) => groups(card, '\u00a0'),
  'with invisible characters': (card) => groups(card, '\u200b', 3),
  'with en dashes': (card) => groups(card, '–'),
  'inside a sentence': (card) => `please use my card ${card}, thanks`,
  'with a prefix': (card) => `tok_${card}`,
  'glued to a word': (card) => `card${card}`,
  'followed by an expiry': (card) => `${card} 12/28`,
  'followed by words': (card) => `${card} is mine`,
  'with letters after it': (card) => `${card}x and more`,
  'behind another number': (card) => `12 ${card}`,
  'behind a no-break space': (card) => `12\u00a0${card}`,
  'behind an en dash': (card) => `12–${card}`,
  'behind a middle dot': (card) => `12·${card}`,
  'behind a number and a word': (card) => `12 card${card}`,
  'dressed as an IBAN': (card) => `DE${card}`,
  'dressed as an IBAN in fours': (card) => groups(`NO${card}`, ' '),
  'dressed as an IBAN of no country': (card) => `XX${card}`,
  'behind an IBAN': (card) => `FI2112345600000785 ${card}`,
  'behind an IBAN in fours': (card) => `FI21 1234 5600 0007 85 ${groups(card, ' ')}`,
  'behind a date': (card) => `2026-11-22 ${card}`,
  'behind a time': (card) => `1795361853 ${card}`,
}

for (const [spelling, spell] of Object.entries(SPELLINGS))
  it(`finds every brand written ${spelling}`, () => {
    const missed = Object.entries(CARDS).filter(([, card]) => !holdsPan(spell(card)))
    expect(missed).toEqual([])
  })

it('passes a number with one wrong digit', () => {
  for (const card of Object.values(CARDS)) {
    const wrong = card.slice(0, -1) + String((Number(card.at(-1)) + 1) % 10)
    expect(holdsPan(wrong)).toBe(false)
  }
})

it('passes masked cards, amounts, phone numbers and dates', () => {
  for (const text of [
    '411111******1111',
    '1234567890123.45',
    '100000000000000000',
    '+358 40 123 4567',
    '2026-11-22T10:00:00.123456Z',
    '22/11/2026 22/11/2027',
    '1795361853000',
    '1795361853000000',
    '1795361853000000000',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.109 Safari/537.36',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'FI21 1234 5600 0007 85',
    'NO9386011117947',
    'DE89 3704 0044 0532 0130 00',
    'GB82WEST12345698765432',
    '0x742d35Cc6634C0532925a3b844Bc454e4438f44e',
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
  ])
    expect([text, holdsPan(text)]).toEqual([text, false])
})

/** Makes so many texts and says how many were taken for cards; the bar is fewer than one in ten thousand. */
const mistaken = (make: () => string, runs = 20_000) => {
  let found = 0
  for (let run = 0; run < runs; run += 1) if (holdsPan(make())) found += 1
  return found / runs
}
const bytes = (count: number) => crypto.getRandomValues(new Uint8Array(count))
const hex = (count: number) => Buffer.from(bytes(count)).toString('hex')

it('takes fewer than one in ten thousand of our ids, UUIDs, hashes and tokens for a card', () => {
  const now = Date.now()
  const kinds = Object.keys(ID_PREFIXES).filter((key): key is keyof typeof ID_PREFIXES => key in ID_PREFIXES)
  const any = (index: number) => kinds[index % kinds.length] ?? 'deposit'
  let turn = 0
  const sources: Record<string, () => string> = {
    'typed ids': () => typeId(any(turn++), uuidV7(now + turn, bytes(10))),
    'uuids, version 7': () => uuidText(uuidV7(now, bytes(10))),
    'uuids, version 4': () => crypto.randomUUID(),
    'transaction hashes': () => hex(32),
    'prefixed hashes': () => `0x${hex(32)}`,
    secrets: () => `pcs_${Buffer.from(bytes(32)).toString('base64url')}`,
    'amounts of coins': () =>
      `${turn++ % 1000}.${String(BigInt(`0x${hex(8)}`))
        .padStart(18, '0')
        .slice(0, 18)}`,
    'timestamps in ms': () => String(now - Math.floor(Math.random() * 1e11)),
    'timestamps in µs': () => String(now * 1000 - Math.floor(Math.random() * 1e14)),
    'iso timestamps': () => new Date(now - Math.floor(Math.random() * 1e12)).toISOString(),
  }
  const wrong = Object.entries(sources)
    .map(([name, make]) => [name, mistaken(make)] as const)
    .filter(([, rate]) => rate >= 1e-4)
  expect(wrong).toEqual([])
})

it('finds a card number that is given as an amount', () => {
  expect(holdsPan('4111111111111111.00')).toBe(true)
})

/** The IBAN of an account: with the check digits that make it right. */
const ibanOf = (country: string, account: string) => {
  const digits = [...`${account}${country}00`].map((letter) => Number.parseInt(letter, 36)).join('')
  return `${country}${String(98n - (BigInt(digits) % 97n)).padStart(2, '0')}${account}`
}

it('passes an IBAN whose digits are a card number by chance, whatever follows it, and finds them without it', () => {
  // of countries whose IBANs end with a group of four, so that a word after them looks like one more
  const accounts = Array.from({ length: 2_000 }, (_, n) => 111_111_111_111n + 7n * BigInt(n))
  const ibans = accounts.flatMap((account) => [ibanOf('BE', `${account}`), ibanOf('AT', `1111${account}`)])
  const chances = ibans.filter((iban) => holdsPan(iban.slice(2)))
  expect(new Set(chances.map((iban) => iban.slice(0, 2)))).toEqual(new Set(['BE', 'AT']))
  for (const iban of chances)
    for (const text of [
      iban,
      `${iban} ABCD`,
      `${iban} ABCD1234`,
      `${groups(iban, ' ')} PAY 12`,
      `${groups(iban, ' ')} X1`,
    ])
      expect([text, holdsPan(text)]).toEqual([text, false])
})

it('passes every IBAN, bare and in fours', () => {
  const lengths = { NO: 11, BE: 12, FI: 14, DK: 14, SI: 15, AT: 16, LT: 16, EE: 16, DE: 18, FR: 23, PL: 24 } as const
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.entries(lengths)),
      fc.array(fc.nat(9), { minLength: 24, maxLength: 24 }),
      ([country, length], digits) => {
        const iban = ibanOf(country, digits.slice(0, length).join(''))
        return !holdsPan(iban) && !holdsPan(groups(iban, ' ')) && !holdsPan(`pay ${groups(iban, ' ')} please`)
      },
    ),
    { numRuns: 2000 },
  )
})

/** The digit that makes the Luhn sum right. */
const luhnDigit = (digits: string) => {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return String((10 - (sum % 10)) % 10)
}

/** A number that begins so, of so many digits. */
const cardOf = (start: string, length: number) => {
  const body = start.padEnd(length - 1, '50271')
  return body + luhnDigit(body)
}

/** What is asked, with the one digit `X` that makes all its digits together Luhn-valid. */
const valid = (text: string) => {
  const digits = text.replace(/[^0-9X]/g, '')
  const right = [...'0123456789'].find((one) => {
    const whole = digits.replace('X', one)
    return luhnDigit(whole.slice(0, -1)) === whole.at(-1)
  })
  return text.replace('X', right ?? 'X')
}

it('passes a card number by chance around a date, whichever way it is written', () => {
  for (const sep of '-/.')
    for (const [year, month, day] of ['1999 01 05', '2026 12 31', '2030 09 20', '2007 10 19'].map((date) =>
      date.split(' '),
    )) {
      const first = valid(`4012 ${year}${sep}${month}${sep}${day} 12X4`)
      const last = valid(`4012 ${day}${sep}${month}${sep}${year} 12X4`)
      expect([first, holdsPan(first), last, holdsPan(last)]).toEqual([first, false, last, false])
    }
})

it('finds a card number around what is no date', () => {
  const none =
    '2026-13-22 2026-20-22 2026-11-42 1826-11-22 2126-11-22 2026-11/22 2026/11-22 42-11-2026 22-13-2026 22-20-2026 22-11-1826 22-11-2126 22-11/2026 22/11-2026'
  for (const date of none.split(' ')) {
    const text = valid(`4012 ${date} 12X4`)
    expect([text, holdsPan(text)]).toEqual([text, true])
  }
  for (const glued of ['4012 2026-11-2212X4', '4012 22-11-202612X4'])
    expect([glued, holdsPan(valid(glued))]).toEqual([glued, true])
})

it('passes a card number by chance around a time, and finds one beside what is too long or too early for a time', () => {
  for (const text of ['4012 1512345678 1X', '401200 151234567X', '401 1512345678X12', '401 19123456781X3'])
    expect([text, holdsPan(valid(text))]).toEqual([text, false])
  for (const text of ['401200151234X678', '4012 1512345678X2', '4012 1412345678 1X'])
    expect([text, holdsPan(valid(text))]).toEqual([text, true])
})

it('passes a UUID whose groups look like a card, and finds one in a UUID of digits alone', () => {
  const group = (last: string) => `${valid('41111111-1111-41X1')}-8111-11111111111${last}`
  expect([holdsPan(group('a')), holdsPan(group('A')), holdsPan(`(${group('f')})`)]).toEqual([false, false, false])
  expect(holdsPan(group('1'))).toBe(true)
})

it('takes nothing for one number that a known shape, a letter or a mixed word parts', () => {
  const [uuid, iban] = ['0af76519-16cd-43dd-8448-eb211c80319c', 'FI2112345600000785']
  for (const between of [uuid, iban, '2026-11-22', 'a', 'x1y', '0x1f', ', '])
    expect([between, holdsPan(`41111111 ${between} 11111111`)]).toEqual([between, false])
  for (const text of ['41111111 x11111111', '41111111x 11111111', '4111111111111111a1', 'a1b4111111111111111'])
    expect([text, holdsPan(text)]).toEqual([text, false])
})

const [long, every] = [
  [16, 17, 18, 19],
  [13, 14, 15, 16, 17, 18, 19],
]
it.each([
  ['Mir', ['220000', '220499'], long],
  ['Borica', ['220500', '220599'], [16]],
  ['Mastercard', ['222100', '272099', '510000', '559999'], [16]],
  ['Diners Club', ['300000', '305999', '309500', '309599', '360000', '369999', '380000', '399999'], [14, 15, ...long]],
  ['American Express', ['340000', '349999', '370000', '379999'], [15]],
  ['JCB', ['352800', '358999'], long],
  ['Visa', ['400000', '499999'], [13, 16, 18, 19]],
  ['Maestro', ['500000', '509999', '560000', '589999', '600000', '699999'], every],
  ['UnionPay', ['810000', '829999'], long],
  ['Uzcard', ['860000', '860099'], [16]],
  ['Mada', ['968200', '968299'], [16]],
  ['Troy', ['979200', '979299'], [16]],
  ['Humo', ['986000', '986099'], [16]],
])('finds %s from its first number to its last, in its lengths and no other', (_brand, starts, lengths) => {
  for (const start of starts)
    for (const length of every)
      expect([start, length, holdsPan(cardOf(start, length))]).toEqual([start, length, lengths.includes(length)])
})

it('passes what begins beside a range, and what is too short or too long for a card', () => {
  const beside =
    '219999 220600 272100 306000 309499 309600 339999 352799 590000 599999 700000 809999 830000 860100 968199 986100'
  for (const start of beside.split(' ')) expect([start, holdsPan(cardOf(start, 16))]).toEqual([start, false])
  for (const length of [12, 20]) expect(holdsPan(cardOf('600000', length))).toBe(false)
})

it('finds any Luhn-valid number of a range wherever separators fall', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('4', '51', '55', '2221', '2720', '6011', '65', '62', '3530'),
      fc.array(fc.nat(9), { minLength: 15, maxLength: 15 }),
      fc.array(fc.constantFrom('', '', ' ', '-', '.', '/', '_'), { minLength: 16, maxLength: 16 }),
      (start, rest, separators) => {
        const body = (start + rest.join('')).slice(0, 15)
        const card = body + luhnDigit(body)
        const text = [...card].map((digit, index) => digit + (separators[index] ?? '')).join('')
        // A date or a time among the digits is read as one; nobody writes a card number so.
        return holdsPan(text) || /(19|20)\d\d[-/.]|[-/.](19|20)\d\d|(?<!\d)1[5-9]\d{8}(\d{3})?(?!\d)/.test(text)
      },
    ),
    { numRuns: 2000 },
  )
})

it('looks at a long hostile text in linear time', () => {
  for (const text of ['4 '.repeat(16_000), 'AA11 '.repeat(6_000), '1111-'.repeat(6_000), '４'.repeat(30_000)])
    expect(typeof holdsPan(text)).toBe('boolean')
})

it('knows the names of card data in any spelling', () => {
  const numbers =
    'PAN, card_number, cardNo, card-num, cc number, ccNum, creditCard, credit_card_number, primaryAccountNumber'
  const codes = 'CVV, cvv2, CVC, cvc2, cav2, csc, cvn, card_cvv, cardCvc, card code, cardSecurityCode, security code'
  const rest =
    'verification_value, track, track1, Track-2, track3, trackData, track_1_data, Track-2-Data, magStripe, PIN, pin_block'
  for (const name of `${numbers}, ${codes}, ${rest}`.split(', '))
    expect([name, isCardDataName(name)]).toEqual([name, true])
  for (const name of ['panel', 'company', 'card', 'token', 'tracking', 'number', 'amount', ''])
    expect(isCardDataName(name)).toBe(false)
})

it('passes references made of a time and counters, whatever they look like together', () => {
  const time = fc.integer({ min: 1_600_000_000_000, max: 1_999_999_999_999 })
  const count = fc.integer({ min: 0, max: 9_999 })
  fc.assert(
    fc.property(time, count, count, (ms, a, b) => {
      const seconds = Math.floor(ms / 1_000)
      for (const text of [
        `n-${ms}-${a}`,
        `${a}-${ms}-${b}`,
        `order ${seconds} ${a} ${b}`,
        `${seconds}_${ms}`,
        `ref${ms}${a % 100}`,
      ])
        expect([text, holdsPan(text)]).toEqual([text, false])
    }),
    { numRuns: 5_000 },
  )
})
