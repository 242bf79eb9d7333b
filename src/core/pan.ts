/**
 * Finds card numbers in text, so that none is ever taken, stored or logged. A candidate is 13 to 19 digits, in any
 * script and with the usual separators, that fits a brand's range and length and whose Luhn sum is right. Our ids, UUIDs,
 * IBANs, dates and transaction hashes are known shapes and pass.
 */

/**
 * A brand's six-digit ranges and the lengths it issues. Sources: ISO/IEC 7812 and the brands' public tables, read
 * 2026-11-22. Without UATP, the airlines' card of 15 digits from 1 on: a time in milliseconds with a counter behind it
 * looks the same, and operators name payments so.
 */
const RANGES: readonly (readonly [low: number, high: number, lengths: readonly number[]])[] = [
  [220000, 220499, [16, 17, 18, 19]], // Mir
  [220500, 220599, [16]], // Borica
  [222100, 272099, [16]], // Mastercard
  [300000, 305999, [14, 15, 16, 17, 18, 19]], // Diners Club
  [309500, 309599, [14, 15, 16, 17, 18, 19]], // Diners Club
  [340000, 349999, [15]], // American Express
  [352800, 358999, [16, 17, 18, 19]], // JCB, LankaPay
  [360000, 369999, [14, 15, 16, 17, 18, 19]], // Diners Club
  [370000, 379999, [15]], // American Express
  [380000, 399999, [14, 15, 16, 17, 18, 19]], // Diners Club
  [400000, 499999, [13, 16, 18, 19]], // Visa, Electron, Elo, Mada
  [500000, 509999, [13, 14, 15, 16, 17, 18, 19]], // Maestro, Dankort, Verve, Elo, RuPay, Meeza
  [510000, 559999, [16]], // Mastercard
  [560000, 589999, [13, 14, 15, 16, 17, 18, 19]], // Maestro, Mada
  [600000, 699999, [13, 14, 15, 16, 17, 18, 19]], // Discover, UnionPay, Maestro, RuPay, Troy, Hipercard
  [810000, 829999, [16, 17, 18, 19]], // UnionPay, RuPay
  [860000, 860099, [16]], // Uzcard
  [968200, 968299, [16]], // Mada
  [979200, 979299, [16]], // Troy
  [986000, 986099, [16]], // Humo
]

const SHORTEST = 13

/** Member names that only card data has. Compared in lower case without separators. */
const CARD_NAMES: ReadonlySet<string> = new Set([
  'pan',
  'cardnumber',
  'cardno',
  'cardnum',
  'ccnumber',
  'ccnum',
  'creditcard',
  'creditcardnumber',
  'primaryaccountnumber',
  'cvv',
  'cvv2',
  'cvc',
  'cvc2',
  'cav2',
  'csc',
  'cvn',
  'cardcvv',
  'cardcvc',
  'cardcode',
  'cardsecuritycode',
  'securitycode',
  'verificationvalue',
  'track',
  'track1',
  'track2',
  'track3',
  'trackdata',
  'track1data',
  'track2data',
  'magstripe',
  'pin',
  'pinblock',
])

/** True when a member of this name is card data, whatever it holds: a number, a security code, a track, a PIN. */
export const isCardDataName = (name: string): boolean => CARD_NAMES.has(name.toLowerCase().replace(/[^a-z0-9]/g, ''))

/** True when the text holds a card number in any spelling. Linear in the length of the text. */
export function holdsPan(text: string): boolean {
  if (!enoughDigits(text)) return false
  const [, whole] = DECIMAL.exec(text) ?? []
  if (whole !== undefined) return stretchHoldsPan(whole)
  const plain = withoutKnownShapes(fold(text))
  for (const stretch of plain.match(STRETCH) ?? []) if (stretchHoldsPan(stretch)) return true
  return false
}

/** One decimal number: the 18 decimals of a coin are no card number, though one in fifty would pass for one. */
const DECIMAL = /^(\d{1,19})\.\d{1,18}$/

/** Letters, digits and the separators that people put into card numbers; a stretch of it is looked at as a whole. */
const STRETCH = /[A-Za-z0-9][A-Za-z0-9 ._/-]*/g

/** Cheap first look: nearly every text ends here. */
function enoughDigits(text: string): boolean {
  let digits = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    // Anything beyond ASCII may be a digit of another script.
    if ((code >= 48 && code <= 57) || code > 127) digits += 1
    if (digits >= SHORTEST) return true
  }
  return false
}

/** Digits of every script become ASCII, exotic spaces and dashes become plain, invisible characters go. */
function fold(text: string): string {
  if (!/[^ -~]/.test(text)) return text
  return text
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Mn}]/gu, '')
    .replace(/[\p{Zs}\s]/gu, ' ')
    .replace(/[\p{Pd}\u2212]/gu, '-')
    .replace(/[·•∙․]/g, '.')
    .replace(/\p{Nd}/gu, (digit) => String(digitValue(digit)))
}

/** Unicode lays the digits of a script out in tens, from zero: the value is how far the run goes back, modulo ten. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0) ?? 0
  let before = 0
  while (before < LONGEST_DIGIT_RUN && /\p{Nd}/u.test(String.fromCodePoint(code - before - 1))) before += 1
  return before % 10
}

/** The mathematical digits are five tens in a row; no run is longer. */
const LONGEST_DIGIT_RUN = 50

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/gi
const DATE = /\b(?:(?:19|20)\d\d([-/.])(?:0\d|1[0-2])\1[0-3]\d|[0-3]\d([-/.])(?:0\d|1[0-2])\2(?:19|20)\d\d)(?!\d)/g
const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b/g

/** Takes out what looks like a card number only by chance. A UUID of digits alone is no UUID that anybody made. */
function withoutKnownShapes(text: string): string {
  return text
    .replace(UUID, (uuid) => (/[a-f]/i.test(uuid) ? '#' : uuid))
    .replace(DATE, '#')
    .replace(IBAN, (iban) => withoutIban(iban))
}

/** ISO 13616 lengths by country (SWIFT IBAN registry, release 99), read 2026-11-22. */
const IBAN_LENGTHS =
  'AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30'

function withoutIban(found: string): string {
  const at = IBAN_LENGTHS.indexOf(found.slice(0, 2))
  const length = at % 4 === 0 ? Number(IBAN_LENGTHS.slice(at + 2, at + 4)) : 0
  // Greedy matching may have taken a word after the IBAN along: cut at the country's length.
  let end = 0
  for (let seen = 0; end < found.length && seen < length; end += 1) if (found[end] !== ' ') seen += 1
  const iban = found.slice(0, end).replaceAll(' ', '')
  return length > 0 && iban.length === length && mod97(iban) === 1 ? `#${found.slice(end)}` : found
}

/** ISO 7064: an IBAN is right when this is 1. */
function mod97(iban: string): number {
  let rest = 0
  for (const letter of iban.slice(4) + iban.slice(0, 4))
    for (const digit of Number.parseInt(letter, 36).toString()) rest = (rest * 10 + Number(digit)) % 97
  return rest
}

/** A word of a stretch: digits, with letters before or after them at most. Hashes and ids mix both and are no candidates. */
const WORD = /^([A-Za-z]*)(\d+)([A-Za-z]*)$/

/** Seconds or milliseconds since 1970, from 2017 to 2033: part of many references, and no group of a card's digits. */
const TIME = /^1[5-9]\d{8}(?:\d{3})?$/

/** A run of words that could be one number: its digits in a row, and where words begin and end in it. */
type Run = { digits: string; readonly begins: number[]; readonly ends: Set<number> }

function stretchHoldsPan(stretch: string): boolean {
  let run: Run = emptyRun()
  for (const word of stretch.split(/[ ._/-]+/)) {
    const [, before = '', digits = '', after = ''] = WORD.exec(word) ?? []
    const isTime = TIME.test(digits)
    // Letters may stand before the first word and after the last one, not between.
    if (digits === '' || before !== '' || isTime) {
      if (runHoldsPan(run)) return true
      run = emptyRun()
    }
    if (digits === '' || isTime) continue
    run.begins.push(run.digits.length)
    run.digits += digits
    run.ends.add(run.digits.length)
    if (after === '') continue
    if (runHoldsPan(run)) return true
    run = emptyRun()
  }
  return runHoldsPan(run)
}

const emptyRun = (): Run => ({ digits: '', begins: [], ends: new Set() })

/** A card number begins and ends with a word: anything else would find one in every long number. */
function runHoldsPan({ digits, begins, ends }: Run): boolean {
  if (digits.length < SHORTEST) return false
  for (const begin of begins) {
    const start = Number(digits.slice(begin, begin + 6))
    for (const [low, high, lengths] of RANGES) {
      if (start < low || start > high) continue
      for (const length of lengths) if (ends.has(begin + length) && luhn(digits, begin, begin + length)) return true
    }
  }
  return false
}

function luhn(digits: string, begin: number, end: number): boolean {
  let sum = 0
  for (let index = end - 1, doubles = false; index >= begin; index -= 1, doubles = !doubles) {
    const value = digits.charCodeAt(index) - 48
    sum += doubles ? (value > 4 ? value * 2 - 9 : value * 2) : value
  }
  return sum % 10 === 0
}
