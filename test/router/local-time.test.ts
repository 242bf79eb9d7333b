import fc from 'fast-check'
import { expect, it, onTestFinished, vi } from 'vitest'
import { clockOf, isTimeZone } from '../../src/router/local-time.ts'

const ZONES = [
  'UTC',
  'Europe/London',
  'Europe/Malta',
  'America/St_Johns',
  'America/Los_Angeles',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
] as const
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** The time as the runtime's own calendar writes it. */
const told = (zone: string, atMs: number) => {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  })
  const part = (type: string) => format.formatToParts(atMs).find((one) => one.type === type)?.value ?? ''
  return { hour: Number(part('hour')), minute: Number(part('minute')), weekday: DAYS.indexOf(part('weekday')) }
}

it('tells the time of every zone as the calendar does, through summer and winter and before 1970', () => {
  const atMs = fc.integer({ min: Date.UTC(1969, 0), max: Date.UTC(2030, 0) })
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), atMs, (zone, ms) => {
      expect(clockOf(zone)(ms)).toEqual(told(zone, ms))
    }),
    { numRuns: 300 },
  )
})

it('changes with the clock, to the minute, also where it was asked just before', () => {
  const malta = clockOf('Europe/Malta')
  const summer = Date.UTC(2026, 2, 29, 1, 0)
  expect([malta(summer - 1), malta(summer)]).toEqual([
    { hour: 1, minute: 59, weekday: 6 },
    { hour: 3, minute: 0, weekday: 6 },
  ])
})

it('tells the time as well after more quarters of an hour than it remembers, and again of the first', () => {
  const zone = 'America/St_Johns'
  const clock = clockOf(zone)
  for (let slice = 0; slice <= 1_100; slice += 1) {
    const atMs = Date.UTC(2026, 2, 1) + slice * 15 * 60_000
    if (slice % 50 === 0) expect(clock(atMs)).toEqual(told(zone, atMs))
    else clock(atMs)
  }
  expect(clock(Date.UTC(2026, 2, 1))).toEqual(told(zone, Date.UTC(2026, 2, 1)))
})

it('asks the runtime once a quarter of an hour, for a thousand of them, and for UTC never', () => {
  const asked = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts')
  onTestFinished(() => asked.mockRestore())
  const quarter = (n: number) => Date.UTC(2026, 2, 1) + n * 15 * 60_000
  const malta = clockOf('Europe/Malta')
  for (let n = 0; n < 1_000; n += 1) malta(quarter(n))
  for (let n = 0; n < 1_000; n += 1) malta(quarter(n + 1) - 1)
  expect(asked).toHaveBeenCalledTimes(1_000)
  malta(quarter(1_000))
  malta(quarter(1_000))
  malta(quarter(0))
  expect(asked).toHaveBeenCalledTimes(1_002)
  clockOf('UTC')(quarter(0))
  expect(asked).toHaveBeenCalledTimes(1_002)
})

it.each(['UTC', 'Europe/Malta', 'America/St_Johns'])('%s is a time zone', (zone) => {
  expect(isTimeZone(zone)).toBe(true)
})
it.each(['', 'Mars/Olympus', 'europe/malta', '+02:00'])('%j is none', (zone) => {
  expect(isTimeZone(zone)).toBe(false)
})
