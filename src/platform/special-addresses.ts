import { BlockList, isIP } from 'node:net'

/**
 * Which addresses lie on the open internet. What isn't surely one of them is refused: private networks, this machine,
 * cloud metadata, and every way to spell them inside another address.
 * Source: IANA special-purpose registries, https://www.iana.org/assignments/iana-ipv4-special-registry and
 * …/iana-ipv6-special-registry, read 2026-11-22.
 */
const SPECIAL_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** Of the addresses that are global unicast at all: transition mechanisms hide an IPv4 address, the rest are documentation. */
const SPECIAL_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']
/** Everything outside it is special: mapped and translated IPv4, unique local, link-local, multicast, unassigned. */
const GLOBAL_6 = ['2000::/3']

// One list per family: Node reads an IPv4 address as a mapped one, so that a rule for one family would catch the other.
const special4 = listOf(SPECIAL_4, 'ipv4')
const special6 = listOf(SPECIAL_6, 'ipv6')
const global6 = listOf(GLOBAL_6, 'ipv6')
const loopback4 = listOf(['127.0.0.0/8'], 'ipv4')

/** True for an address of the open internet. Text that is no address is none. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !special4.check(address, 'ipv4')
  return family === 6 && global6.check(address, 'ipv6') && !special6.check(address, 'ipv6')
}

/** True for this machine's own address. */
export const isLoopbackAddress = (address: string): boolean =>
  address === '::1' || (isIP(address) === 4 && loopback4.check(address, 'ipv4'))

function listOf(networks: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    list.addSubnet(address, Number(prefix), family)
  }
  return list
}
