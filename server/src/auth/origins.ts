/**
 * Which pages may connect. A page of another site could otherwise open a connection with its visitor's cookies and
 * address. An origin is allowed when it is listed, or when its hostname is the one that the request was
 * sent to, with the same port; all names and ports of the loopback are one host. Requests without Origin do not come from a page.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** What decides about origins. */
export interface OriginRules {
  /** Origins such as `https://app.example`, exactly. */
  readonly allowedOrigins: readonly string[];
  /** Addresses or networks (`10.0.0.0/8`) whose X-Forwarded-* headers are believed; `loopback` for the host's own. */
  readonly trustedProxies: readonly string[];
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const LOOPBACK_HOSTS = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Decides about origins and believes proxies. */
export class Origins {
  readonly #allowed: ReadonlySet<string>;
  readonly #proxies = new BlockList();

  /** The rules are those of the configuration, which has checked them. */
  constructor(rules: OriginRules) {
    this.#allowed = new Set(rules.allowedOrigins);
    for (const entry of rules.trustedProxies.flatMap((it) => (it === 'loopback' ? LOOPBACK : [it]))) {
      this.#trust(entry);
    }
  }

  /** Whether a request with these headers, from this address, comes from a page that may connect. */
  isAllowed(headers: IncomingHttpHeaders, address: string): boolean {
    const { origin } = headers;
    if (origin === undefined) return true;
    if (this.#allowed.has(origin)) return true;
    const page = parseUrl(origin);
    const forwarded = this.isTrusted(address) ? headers : {};
    const host = first(forwarded['x-forwarded-host']) ?? headers.host ?? '';
    // What is no origin as browsers send it, or no host, is compared with nothing.
    if (page === null || page.origin !== origin || !/^https?:$/.test(page.protocol)) return false;
    if (/[/\\?#@\s]/.test(host)) return false;
    const scheme = first(forwarded['x-forwarded-proto']) ?? page.protocol.slice(0, -1);
    const target = host === '' ? null : parseUrl(`${page.protocol}//${host}`);
    if (target === null || `${scheme}:` !== page.protocol) return false;
    if (LOOPBACK_HOSTS.test(page.hostname) && LOOPBACK_HOSTS.test(target.hostname)) return true;
    return page.hostname === target.hostname && page.port === target.port;
  }

  /** Whether the forwarding headers of a peer are believed. */
  isTrusted(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#proxies.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }

  /** The client's address: the last in X-Forwarded-For that no trusted proxy has, else the peer's own. */
  clientAddress(headers: IncomingHttpHeaders, peer: string): string {
    if (!this.isTrusted(peer)) return peer;
    const hops = String(headers['x-forwarded-for'] ?? '')
      .split(',')
      .map((hop) => hop.trim());
    for (const hop of hops.reverse()) {
      if (isIP(hop) === 0) break;
      if (!this.isTrusted(hop)) return hop;
    }
    return peer;
  }

  #trust(entry: string): void {
    const [address = '', prefix, more] = entry.split('/');
    const family = isIP(address);
    // An empty prefix would be read as 0: everybody.
    const isPrefix =
      prefix === undefined || (/^\d+$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32));
    if (family === 0 || !isPrefix || more !== undefined)
      throw new Error(`trustedProxies: "${entry}" is neither an address nor a network`);
    const type = family === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) this.#proxies.addAddress(address, type);
    else this.#proxies.addSubnet(address, Number(prefix), type);
  }
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

const first = (header: string | string[] | undefined): string | undefined =>
  (Array.isArray(header) ? header[0] : header)?.split(',')[0]?.trim();
