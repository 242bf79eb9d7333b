import { BlockList, isIP } from 'node:net'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { EdgeContext } from '../api/edge.ts'

/** More hops than any real chain of proxies; the rest of a longer header is nobody's business. */
const MAX_HOPS = 16

/**
 * Where a request comes from: the socket's address, or, when that is a trusted proxy, the nearest address in
 * `X-Forwarded-For` that is none. What a client writes into the header itself lies further left and is never reached.
 */
export function clientAddress(trusted: readonly string[]): (c: EdgeContext) => string {
  const proxies = new BlockList()
  for (const network of trusted) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) proxies.addAddress(address, family)
    else proxies.addSubnet(address, Number(bits), family)
  }
  const isTrusted = (address: string) => proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return (c) => {
    const socket = plain(getConnInfo(c).remote.address ?? '')
    const forwarded = c.req.header('x-forwarded-for')
    if (forwarded === undefined || trusted.length === 0 || isIP(socket) === 0) return socket
    const hops = forwarded
      .split(',')
      .slice(-MAX_HOPS)
      .map((hop) => plain(hop.trim()))
    for (let at = socket; ; ) {
      const before = isTrusted(at) ? hops.pop() : undefined
      // What isn't an address can't be held against a limit: the last one that is stays the client.
      if (before === undefined || isIP(before) === 0) return at
      at = before
    }
  }
}

/** An IPv4 address that came over an IPv6 socket, in its own form. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')
