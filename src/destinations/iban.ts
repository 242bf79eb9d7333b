import { countrySpecs, isValidBBAN, isValidIBAN } from 'ibantools'

type IbanCheck =
  | { readonly kind: 'valid'; readonly iban: string; readonly masked: string }
  | {
      readonly kind: 'invalid'
      readonly code: 'iban_malformed' | 'iban_country' | 'iban_length' | 'iban_checksum'
      readonly detail: string
    }

// ISO 13616: country, two check digits, up to 30 letters and digits; people write it in groups with spaces.
const IBAN = /^([A-Z]{2})(\d{2})([A-Z0-9]{1,30})$/

/** Checks an IBAN by the registry: country, length, form and national check digits of its account part, MOD 97-10. Takes spaces and small letters. */
export function checkIban(text: string): IbanCheck {
  const iban = text.replaceAll(' ', '').toUpperCase()
  const [, country, checkDigits, account] = IBAN.exec(iban) ?? []
  if (country === undefined || checkDigits === undefined || account === undefined) {
    return { kind: 'invalid', code: 'iban_malformed', detail: 'An IBAN is a country, two digits and an account.' }
  }
  const spec = countrySpecs[country]
  // Countries that use IBAN-like numbers without being in the registry can't be checked, so they can't be paid.
  if (spec?.IBANRegistry !== true) {
    return { kind: 'invalid', code: 'iban_country', detail: 'That country has no registered IBAN.' }
  }
  if (spec.chars !== iban.length) {
    return { kind: 'invalid', code: 'iban_length', detail: 'The IBAN has a wrong length for its country.' }
  }
  // 00, 01 and 99 satisfy MOD 97-10 for some accounts but are never issued: ISO 7064 gives 02 to 98.
  const issued = checkDigits >= '02' && checkDigits <= '98'
  if (!issued || !isValidBBAN(account, country) || !isValidIBAN(iban)) {
    return { kind: 'invalid', code: 'iban_checksum', detail: 'The check digits of the IBAN are wrong.' }
  }
  return { kind: 'valid', iban, masked: `${country}****${iban.slice(-4)}` }
}
