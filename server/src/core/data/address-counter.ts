/**
 * Counts by client address, within a bound per address and a total bound. Only addresses with a count take memory.
 * An IPv6 host has a whole /64 (RFC 6177), whose addresses count as one. An IPv4-mapped IPv6 address counts as IPv4
 * (RFC 4291, 2.5.5.2). All texts that are no address share one key.
 */

/** The bounds of a counter. */
export interface AddressBounds {
  /** The bound of one address. */
  readonly perAddress: number;
  /** The bound of all addresses together. */
  readonly inAll: number;
}

const UNKNOWN = 'unknown';
const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const GROUPS = 8;
const NETWORK_GROUPS = 4;

/** Returns the key of an address: an IPv4 address, an IPv6 /64 such as `2001:db8:0:1::/64`, or `unknown`. */
export function addressKey(address: string): string {
  const v4 = v4Of(address);
  if (v4 !== null) return v4;
  const groups = groupsOf(address);
  if (groups === null) return UNKNOWN;
  const mapped = mappedV4(groups);
  if (mapped !== null) return mapped;
  return `${groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
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

  /** Returns the count of all addresses together. */
  get total(): number {
    return this.#total;
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

function v4Of(text: string): string | null {
  const parts = V4.exec(text)?.slice(1).map(Number);
  return parts?.every((part) => part <= 255) === true ? parts.join('.') : null;
}

/** Returns the eight groups of an IPv6 address, or null. */
function groupsOf(address: string): number[] | null {
  const text = (address.split('%')[0] ?? '').toLowerCase();
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) return null;
  const front = groupList(head);
  const back = tail === undefined ? [] : groupList(tail);
  if (front === null || back === null) return null;
  const missing = GROUPS - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  return [...front, ...Array<number>(missing).fill(0), ...back];
}

/** Returns the groups between colons, or null; a last one in IPv4 form gives two. */
function groupList(text: string): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const v4 = index === parts.length - 1 ? v4Of(part) : null;
    if (v4 !== null) {
      const [a = 0, b = 0, c = 0, d = 0] = v4.split('.').map(Number);
      groups.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

function mappedV4(groups: readonly number[]): string | null {
  const [a = 0, b = 0] = groups.slice(6);
  if (groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return null;
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}
