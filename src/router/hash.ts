/**
 * A point in [0, 1) that belongs to a text for ever: the same player falls on the same side of every split, on every
 * instance, after every restart. FNV-1a over UTF-16 units, then the finalizer of MurmurHash3 (32 bits), since FNV's
 * high bits are poor for short keys that differ at the end. Not for secrets. Sources:
 * http://www.isthe.com/chongo/tech/comp/fnv/, https://github.com/aappleby/smhasher (read 2026-11-22).
 */
export function point(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000
}
