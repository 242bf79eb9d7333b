import { describe, expect, it } from 'vitest'
import { sameName } from '../../src/core/names.ts'

describe('one person', () => {
  it.each([
    ['Ada Lovelace', 'ADA LOVELACE'],
    ['Ada Lovelace', 'Lovelace, Ada'],
    ['Ada King Lovelace', 'Ada Lovelace'],
    ['Søren Kierkegård', 'Soren Kierkegard'],
    ['Jean-Luc Picard', 'Jean Luc Picard'],
    ['Łukasz Żółć', 'Lukasz Zolc'],
    ['Bjørn Þórsson', 'Bjorn Thorsson'],
    ['Ægir Đorđević', 'Aegir Dordevic'],
    ['Œlaf Weiß', 'Oelaf Weiss'],
    ['Işıl Kaya', 'Isil Kaya'],
    ['Ａｄａ Lovelace', 'Ada Lovelace'],
    ['Ada', 'ada.'],
    ['ada  lovelace ', '(Ada) Lovelace'],
  ])('%s is %s', (a, b) => expect(sameName(a, b)).toBe(true))
})

describe('two people', () => {
  it.each([
    ['Ada Lovelace', 'Ada Byron'],
    ['Ada', 'Ada Lovelace'],
    ['Ada Lovelace', 'Charles Babbage'],
    ['', 'Ada Lovelace'],
    ['Ada', 'Byron'],
    ['Ada Lovelace', 'Adalovelace'],
    ['Adalovelace', 'Ada Lovelace'],
    ['Ada Lovelace King', 'Ada Lovelace Byron'],
    ['!', 'Ada'],
  ])('%j is not %j', (a, b) => expect(sameName(a, b)).toBe(false))
})
