/** The countries of the Single Euro Payments Area, as ibantools knows them; a test compares. */
export const SEPA =
  'AD AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MT NL NO PL PT RO SE SI SK SM VA'.split(
    ' ',
  )
