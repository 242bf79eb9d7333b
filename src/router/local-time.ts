import { assert } from '../core/errors.ts'
import type { LocalTime } from './fields.ts'

/** Offsets of all zones change on a quarter of an hour, so one look-up serves fifteen minutes. */
const SLICE_MS = 15 * 60_000
/** Slices remembered for one zone: replays of some days touch a few hundred. */
const MAX_SLICES = 1_000
/** 1 January 1970 was a Thursday; Monday is day 0. */
const EPOCH_WEEKDAY = 3

/** True when the runtime knows the IANA name of a zone. */
export function isTimeZone(zone: string): boolean {
  return zone === 'UTC' || zones().has(zone)
}

let known: ReadonlySet<string> | undefined
function zones(): ReadonlySet<string> {
  known ??= new Set(Intl.supportedValuesOf('timeZone'))
  return known
}

/** Tells the time on the clock of one zone. Asking the runtime costs microseconds, so offsets are kept by quarter of an hour. */
export function clockOf(zone: string): (atMs: number) => LocalTime {
  const offsets = new Map<number, number>()
  const format =
    zone === 'UTC' ? undefined : new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
  const offsetMs = (atMs: number): number => {
    if (!format) return 0
    const slice = Math.floor(atMs / SLICE_MS)
    const kept = offsets.get(slice)
    if (kept !== undefined) return kept
    const name = format.formatToParts(slice * SLICE_MS).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const [, sign, hours = '0', minutes = '0'] = /^GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name) ?? []
    const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
    assert(Number.isFinite(offset), `no offset for ${zone}`)
    if (offsets.size >= MAX_SLICES) offsets.clear()
    offsets.set(slice, offset)
    return offset
  }
  return (atMs) => {
    const minutes = Math.floor((atMs + offsetMs(atMs)) / 60_000)
    const days = Math.floor(minutes / 1_440)
    const minuteOfDay = minutes - days * 1_440
    return {
      hour: Math.floor(minuteOfDay / 60),
      minute: minuteOfDay % 60,
      weekday: (((days + EPOCH_WEEKDAY) % 7) + 7) % 7,
    }
  }
}
