import { Fault } from '../core/errors.ts'
import { type IdKind, isId } from '../core/ids.ts'

/** Where a page begins: the id that a cursor stands for. Throws when it is no cursor of this list. */
export function beforeOf(kind: IdKind, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const id = /^[A-Za-z0-9_-]+$/.test(cursor) ? atob(cursor.replaceAll('-', '+').replaceAll('_', '/')) : ''
  if (isId(kind, id)) return id
  throw new Fault('validation_failed', 'This cursor is not one of this list.', {
    errors: [{ pointer: '/query/cursor', code: 'cursor_invalid', detail: 'Use next_cursor of the page before.' }],
  })
}

/** A page of at most `limit` rows out of a query for one more. */
export function pageOf<Row extends { readonly id: string }, Shown>(
  rows: readonly Row[],
  limit: number,
  show: (row: Row) => Shown,
) {
  const shown = rows.slice(0, limit)
  const more = rows.length > limit
  const last = shown.at(-1)
  return { data: shown.map(show), has_more: more, next_cursor: more && last ? cursorOf(last.id) : null }
}

const cursorOf = (id: string): string => btoa(id).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

/** The words of a comma-separated query member that are allowed. */
export const wordsOf = (text: string | undefined): ReadonlySet<string> =>
  new Set(text?.split(',').filter((word) => word !== ''))
