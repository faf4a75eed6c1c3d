/**
 * Decides which pages may connect. Otherwise a page of another site could connect with its visitor's cookies and
 * address. An origin is allowed when the configuration lists it, or when its host and port are those of the request's
 * target. That target must be an IP address, a loopback name or a host from the configuration. Any other name may be an
 * attacker's that resolves to this server (DNS rebinding). All names and ports of the loopback are one host. Requests
 * without Origin do not come from a page.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { canonicalAddress, networkOf, UNKNOWN_ADDRESS } from './addresses.js';

/** Rules for origins and proxies. */
export interface OriginRules {
  /** Exact origins such as `https://app.example`; their hosts count as the server's own. */
  readonly allowedOrigins: readonly string[];
  /** Addresses or networks (`10.0.0.0/8`) whose X-Forwarded-* headers are trusted; `loopback` for the host's own. */
  readonly trustedProxies: readonly string[];
  /** The name or address that the server listens on. */
  readonly host?: string;
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
/** Private, link-local and shared address space (RFC 1918, 3927, 4193, 4291, 6598). */
const PRIVATE = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'],
  ...['fc00::/7', 'fe80::/10'],
];
const LOOPBACK_HOSTS = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Checks origins and resolves client addresses behind trusted proxies. */
export class Origins {
  readonly #allowed: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;
  readonly #proxies: BlockList;
  readonly #private = blockList([...LOOPBACK, ...PRIVATE]);

  /** @param rules from the validated configuration */
  constructor(rules: OriginRules) {
    this.#allowed = new Set(rules.allowedOrigins);
    const named = rules.host === undefined ? [] : [`http://${rules.host}`];
    this.#hosts = new Set([...rules.allowedOrigins, ...named].flatMap((it) => parseUrl(it)?.hostname ?? []));
    this.#proxies = blockList(rules.trustedProxies.flatMap((it) => (it === 'loopback' ? LOOPBACK : it)));
  }

  /** Returns whether a request with these headers, from this peer address, may connect. */
  isAllowed(headers: IncomingHttpHeaders, address: string): boolean {
    const { origin } = headers;
    if (origin === undefined) return true;
    if (this.#allowed.has(origin)) return true;
    const page = parseUrl(origin);
    const forwarded = this.isTrusted(address) ? headers : {};
    const host = first(forwarded['x-forwarded-host']) ?? headers.host ?? '';
    // Refuses an Origin that no browser sends, and an invalid Host.
    if (page === null || page.origin !== origin || !/^https?:$/.test(page.protocol)) return false;
    if (/[/\\?#@\s]/.test(host)) return false;
    const scheme = first(forwarded['x-forwarded-proto']) ?? page.protocol.slice(0, -1);
    const target = host === '' ? null : parseUrl(`${page.protocol}//${host}`);
    if (target === null || `${scheme}:` !== page.protocol) return false;
    if (LOOPBACK_HOSTS.test(page.hostname) && LOOPBACK_HOSTS.test(target.hostname)) return true;
    return page.host === target.host && this.#isOwn(target.hostname);
  }

  /** Returns whether a host cannot be an attacker's name for this server. */
  #isOwn(hostname: string): boolean {
    const isAddress = isIPv4(hostname) || hostname.startsWith('[');
    return isAddress || /^(.+\.)?localhost$/.test(hostname) || this.#hosts.has(hostname);
  }

  /** Returns whether a peer is a trusted proxy. */
  isTrusted(address: string): boolean {
    const known = canonicalAddress(address);
    return known !== null && isIn(this.#proxies, known);
  }

  /**
   * Returns whether many clients may share an address: that of a trusted proxy, one of a private network, where an
   * unlisted proxy may stand, and a text that is no address. The bounds for one address do not apply to these: one
   * attacker would lock out honest clients.
   */
  isShared(address: string): boolean {
    const known = canonicalAddress(address);
    return known === null || isIn(this.#proxies, known) || isIn(this.#private, known);
  }

  /**
   * Returns the client's canonical address: the last one in X-Forwarded-For that is no trusted proxy, the first where
   * all are trusted, else the peer's own. Returns `unknown` where a trusted proxy names no valid address.
   */
  clientAddress(headers: IncomingHttpHeaders, peer: string): string {
    const own = canonicalAddress(peer) ?? UNKNOWN_ADDRESS;
    const named = headers['x-forwarded-for'];
    if (named === undefined || !this.isTrusted(peer)) return own;
    let client = own;
    for (const hop of String(named).split(',').reverse()) {
      client = canonicalAddress(hop) ?? UNKNOWN_ADDRESS;
      if (!this.isTrusted(client)) return client;
    }
    return client;
  }
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks.map(networkOf)) if (network !== null) list.addSubnet(...network);
  return list;
}

const isIn = (list: BlockList, address: string): boolean =>
  list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

const first = (header: string | string[] | undefined): string | undefined =>
  (Array.isArray(header) ? header[0] : header)?.split(',')[0]?.trim();
