import { customType, timestamp } from 'drizzle-orm/pg-core'

/** A point in time, with zone, read as a Date. */
export const at = () => timestamp({ withTimezone: true, precision: 6 })

/** Whole minor units of an asset: numeric without scale, as bigint. 38 digits pass 18 decimals and 20 integer digits. */
export const minorUnits = customType<{ data: bigint; driverData: bigint }>({ dataType: () => 'numeric' })
