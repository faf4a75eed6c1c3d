/**
 * The canonical form of addresses, in which they are compared and shown. IPv4 is decimal, IPv6 follows RFC 5952,
 * IPv4-mapped IPv6 becomes IPv4 (RFC 4291, 2.5.5.2). It has no port, brackets or zone.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';

/** Stands for an unknown address. */
export const UNKNOWN_ADDRESS = 'unknown';

/** More than any address with zone and port needs. */
const MAX_CHARACTERS = 100;
const BRACKETED = /^\[([^[\]]+)\](?::\d{1,5})?$/;
const IPV4_WITH_PORT = /^([\d.]+):\d{1,5}$/;
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
const ZONE = /%[^%]*$/;

/** Returns the canonical form of an address, without port, brackets, quotes and zone; null for any other text. */
export function canonicalAddress(text: string): string | null {
  if (text.length > MAX_CHARACTERS) return null;
  const bare = withoutPort(text.trim().replace(/^"(.*)"$/, '$1'));
  if (isIPv4(bare)) return bare;
  const address = bare.replace(ZONE, '');
  return isIPv6(address) ? canonicalIPv6(address) : null;
}

/** A network, as `BlockList.addSubnet` takes it. */
export type Network = readonly [address: string, bits: number, family: 'ipv4' | 'ipv6'];

/** Parses a network such as `10.0.0.0/8`, or an address; null for any other text. */
export function networkOf(text: string): Network | null {
  const [first = '', prefix, ...more] = text.split('/');
  // An empty prefix would parse as 0, which matches all addresses.
  const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix);
  if (isIP(first) === 0 || more.length > 0 || !isPrefix) return null;
  const [width, family] = isIPv4(first) ? ([32, 'ipv4'] as const) : ([128, 'ipv6'] as const);
  const bits = Number(prefix ?? width);
  return bits > width ? null : [first.replace(ZONE, ''), bits, family];
}

function withoutPort(text: string): string {
  return BRACKETED.exec(text)?.[1] ?? IPV4_WITH_PORT.exec(text)?.[1] ?? text;
}

/** The URL standard writes IPv6 as RFC 5952 does. */
function canonicalIPv6(address: string): string {
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  const bytes = [high, low].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join('.');
}
