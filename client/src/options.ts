/** What a Pomona can be told, and what it takes for granted. */
import type { BackoffOptions } from './backoff.js';
import { type Clock, systemClock } from './clock.js';
import { PomonaError } from './errors.js';
import { eventStream } from './transports/event-stream.js';
import { longPoll } from './transports/long-poll.js';
import type { Environment, TransportKind, WebSocketConstructor } from './transports/transport.js';
import { websocket } from './transports/websocket.js';

/** The transports that come with Pomona, best first. */
const TRANSPORTS = { websocket, 'event-stream': eventStream, 'long-poll': longPoll };

/** The name of a transport that comes with Pomona. */
export type TransportName = keyof typeof TRANSPORTS;

/** Headers, or a function that makes them anew for each request. */
export type HeadersSource =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** The options of `new Pomona(...)`; all are optional in a page. */
export interface PomonaOptions {
  /** Dobby's endpoint: an http(s) or ws(s) URL or a path of the page's origin. Default `/comet`. Outside of a page a path opens nothing. */
  readonly url?: string;
  /** Your back end's view that is asked for paths. Without it only public paths, and those that the back end connects by itself, are heard. */
  readonly connectUrl?: string;
  /** Your back end's view that is told when the last handler of a path has gone. */
  readonly disconnectUrl?: string;
  /** Added to requests to `connectUrl` and `disconnectUrl`. */
  readonly headers?: HeadersSource;
  /** The cookie that holds Django's CSRF token, sent as `X-CSRFToken` to the page's origin only. Default `csrftoken`. */
  readonly csrfCookie?: string;
  /** `credentials` of every request. Default `same-origin`. */
  readonly credentials?: RequestCredentials;
  /** Which transports to use, best first. Default: WebSocket, event stream, long-poll. */
  readonly transports?: readonly (TransportName | TransportKind)[];
  /** The WebSocket constructor. Default: that of the environment, if it has one. */
  readonly WebSocket?: WebSocketConstructor;
  /** Default: that of the environment. */
  readonly fetch?: typeof fetch;
  /** The first and the largest window of waiting between tries. Default 500 and 20,000 ms. */
  readonly reconnect?: { readonly baseMs?: number; readonly maxMs?: number };
  /** How long a transport may take until Dobby's first frame. Default 8,000 ms; a probe alone takes more than 1,000. */
  readonly openTimeoutMs?: number;
  /** A source of numbers in [0, 1), for tests. */
  readonly random?: () => number;
  /** A source of time, for tests. */
  readonly clock?: Clock;
}

/** Options with everything decided. */
export interface Settings
  extends Environment,
    Pick<PomonaOptions, 'connectUrl' | 'disconnectUrl'>,
    Required<Pick<PomonaOptions, 'openTimeoutMs' | 'headers' | 'csrfCookie'>> {
  readonly transports: readonly TransportKind[];
  readonly reconnect: BackoffOptions;
}

/**
 * Decides everything. Outside of a page, as where a page is rendered on a server, the address may be relative: then nothing is opened.
 *
 * @throws PomonaError `bad_url` or `transport_failed`
 */
export function settle(options: PomonaOptions): Settings {
  const url = endpoint(options.url ?? '/comet');
  const environment: Environment = {
    httpUrl: url.replace(/^ws/, 'http'),
    socketUrl: url.replace(/^http/, 'ws'),
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    WebSocket: options.WebSocket ?? (globalThis.WebSocket as WebSocketConstructor | undefined),
    credentials: options.credentials ?? 'same-origin',
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
  const { random } = environment;
  return {
    ...options,
    ...environment,
    transports: url === '' ? [] : transportsOf(options.transports, environment),
    reconnect: { baseMs: 500, maxMs: 20_000, ...options.reconnect, random },
    openTimeoutMs: options.openTimeoutMs ?? 8_000,
    headers: options.headers ?? {},
    csrfCookie: options.csrfCookie ?? 'csrftoken',
  };
}

/** The address of the page; undefined where there is none. */
export function pageUrl(): string | undefined {
  return globalThis.location?.href;
}

/** The absolute address; empty for that of a page where there is no page. */
function endpoint(url: string): string {
  const page = pageUrl();
  try {
    const { href, protocol } = new URL(url, page ?? 'none:/');
    if (/^(http|ws)s?:$/.test(protocol)) return href.replace(/#.*/, '');
    if (protocol === 'none:') return '';
  } catch {
    // not a URL at all
  }
  throw new PomonaError('bad_url', `"${url}" is no URL of http or ws.`);
}

function transportsOf(wanted: PomonaOptions['transports'], environment: Environment): TransportKind[] {
  const names = wanted ?? (Object.keys(TRANSPORTS) as TransportName[]);
  const kinds = names.map((kind) => (typeof kind === 'string' ? TRANSPORTS[kind] : kind));
  const available = kinds.filter((kind) => kind && kind.isAvailable?.(environment) !== false);
  if (available.length > 0) return available;
  throw new PomonaError('transport_failed', `None of these can be used here: ${names.map(String)}`);
}
