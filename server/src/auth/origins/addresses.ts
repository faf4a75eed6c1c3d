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
const MAPPED_BITS = 96;

/** Returns the canonical form of an address, without port, brackets, quotes and zone; null for any other text. */
export function canonicalAddress(text: string): string | null {
  if (text.length > MAX_CHARACTERS) return null;
  const bare = withoutPort(text.trim().replace(/^"(.*)"$/, '$1'));
  if (isIPv4(bare)) return bare;
  const address = bare.replace(/%[^%]*$/, '');
  return isIPv6(address) ? canonicalIPv6(address) : null;
}

/** Returns the canonical form of a network such as `10.0.0.0/8`, or of an address; null for any other text. */
export function canonicalNetwork(text: string): { readonly address: string; readonly bits: number } | null {
  const [first = '', prefix, ...more] = text.split('/');
  const address = isIP(first) === 0 ? null : canonicalAddress(first);
  if (address === null || more.length > 0) return null;
  const width = isIPv4(first) ? 32 : 128;
  // An empty prefix would parse as 0, which matches all addresses.
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return null;
  const bits = prefix === undefined ? width : Number(prefix);
  if (bits > width) return null;
  const isMapped = isIPv4(address) && width === 128;
  if (!isMapped) return { address, bits };
  return bits < MAPPED_BITS ? { address: first, bits } : { address, bits: bits - MAPPED_BITS };
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
