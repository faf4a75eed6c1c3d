/**
 * Addresses that many clients may share: those of trusted proxies, and those of private networks, where an unlisted
 * proxy may stand. The bounds for one address do not apply to them: one attacker would lock out honest clients.
 */
import { BlockList, isIP } from 'node:net';
import type { Origins } from './origins.js';

/** Loopback, private, link-local and shared address space (RFC 1918, 3927, 4193, 4291, 6598). */
const PRIVATE_V4 = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
];
const PRIVATE_V6 = ['::1/128', 'fc00::/7', 'fe80::/10'];

const PRIVATE = new BlockList();
for (const entry of PRIVATE_V4) add(entry, 'ipv4');
for (const entry of PRIVATE_V6) add(entry, 'ipv6');

function add(entry: string, family: 'ipv4' | 'ipv6'): void {
  const [address = '', prefix] = entry.split('/');
  PRIVATE.addSubnet(address, Number(prefix), family);
}

/** Returns whether many clients may share an address; true also for a text that is no address. */
export function isSharedAddress(address: string, origins: Pick<Origins, 'isTrusted'>): boolean {
  const plain = address.split('%')[0] ?? '';
  const family = isIP(plain);
  if (family === 0 || origins.isTrusted(plain)) return true;
  // `BlockList` matches an IPv4-mapped IPv6 address against the IPv4 networks.
  return PRIVATE.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}
