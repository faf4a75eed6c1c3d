/**
 * Counts by client address, within a bound per address and a total bound. Only addresses with a count take memory.
 * An IPv6 host has a whole /64 (RFC 6177), whose addresses count as one. An IPv4-mapped IPv6 address counts as IPv4
 * (RFC 4291, 2.5.5.2). All texts that are no address share one key.
 */
import ipaddr from 'ipaddr.js';

/** The bounds of a counter. */
export interface AddressBounds {
  /** The bound of one address. */
  readonly perAddress: number;
  /** The bound of all addresses together. */
  readonly inAll: number;
}

const UNKNOWN = 'unknown';
const NETWORK_GROUPS = 4;

/** Returns the key of an address: an IPv4 address, an IPv6 /64 such as `2001:db8:0:1::/64`, or `unknown`. */
export function addressKey(text: string): string {
  if (!text.includes(':')) return ipaddr.IPv4.isValidFourPartDecimal(text) ? text : UNKNOWN;
  if (!ipaddr.IPv6.isValid(text)) return UNKNOWN;
  const address = ipaddr.IPv6.parse(text);
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().toString();
  const network = address.parts.slice(0, NETWORK_GROUPS);
  return `${network.map((group) => group.toString(16)).join(':')}::/64`;
}

/** Counts by address. */
export class AddressCounter {
  readonly #bounds: AddressBounds;
  readonly #counts = new Map<string, number>();
  #total = 0;

  /** @param bounds `Number.POSITIVE_INFINITY` for no bound */
  constructor(bounds: AddressBounds) {
    this.#bounds = bounds;
  }

  /** Returns the number of addresses with a count. */
  get size(): number {
    return this.#counts.size;
  }

  /** Returns the count of an address. */
  count(address: string): number {
    return this.#counts.get(addressKey(address)) ?? 0;
  }

  /** Returns whether so many more fit within the bounds. */
  hasRoom(address: string, more = 1): boolean {
    return this.#total + more <= this.#bounds.inAll && this.count(address) + more <= this.#bounds.perAddress;
  }

  /** Counts one more, or returns false when the bounds are reached. */
  take(address: string): boolean {
    if (!this.hasRoom(address)) return false;
    this.add(address);
    return true;
  }

  /** Counts so many more, even beyond the bounds. */
  add(address: string, more = 1): void {
    if (more <= 0) return;
    const key = addressKey(address);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + more);
    this.#total += more;
  }

  /** Counts so many less, at least 0. */
  release(address: string, less = 1): void {
    const key = addressKey(address);
    const count = this.#counts.get(key);
    if (count === undefined) return;
    if (count <= less) this.#counts.delete(key);
    else this.#counts.set(key, count - less);
    this.#total -= Math.min(count, less);
  }

  /** Sets all counts to 0. */
  clear(): void {
    this.#counts.clear();
    this.#total = 0;
  }
}
