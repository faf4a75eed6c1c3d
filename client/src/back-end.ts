/**
 * Asks the page's own back end for paths, and tells it when they are no longer wanted. One request for
 * all the paths of a frame, and none without a bound in time. What is asked for one session is not acted on once another has begun.
 */
import { Backoff } from './backoff.js';
import { isObject } from './checks.js';
import { within } from './clock.js';
import { parseJson } from './decode.js';
import { PomonaError } from './errors.js';
import { pageUrl, type Settings } from './options.js';

/** How long a view may take to answer. Dobby waits as long for its word. */
const VIEW_MS = 10_000;
/** The delay before `disconnectUrl` is called: a component that remounts within it costs the back end no request. */
export const RELEASE_MS = 1_000;
/** Characters of an answer that are quoted. */
const MAX_QUOTED = 200;

/** Takes which of the paths are not to be heard, why (`connect_failed`: the back end could not be asked), and what it answered. */
type Answered = (
  refused: readonly string[],
  code: 'connect_refused' | 'connect_failed',
  message: string,
) => void;

/** Speaks with the two views of the back end for one session after the other. */
export class BackEnd {
  readonly #settings: Settings;
  readonly #uid: () => string;
  readonly #backoff: Backoff;
  #session = new AbortController();
  readonly #timers: { retry?: unknown; release?: unknown } = {};

  /** `uid` returns the session's id. */
  constructor(settings: Settings, uid: () => string) {
    this.#settings = settings;
    this.#uid = uid;
    this.#backoff = new Backoff(settings.reconnect);
  }

  /** Another session has begun, or none: what was asked is forgotten. */
  reset(): void {
    this.#session.abort();
    this.#session = new AbortController();
    for (const name of ['retry', 'release'] as const) {
      this.#settings.clock.clearTimeout(this.#timers[name]);
      this.#timers[name] = undefined;
    }
  }

  /** Runs `run` when it is time to ask again, or to tell what was left; once for all calls until then. */
  soon(name: 'retry' | 'release', run: () => void): void {
    if (this.#timers[name] !== undefined) return;
    const ms = name === 'retry' ? this.#backoff.next() : RELEASE_MS;
    this.#timers[name] = this.#settings.clock.setTimeout(() => {
      this.#timers[name] = undefined;
      run();
    }, ms);
  }

  /** Paths are decided again: the next wait is short. */
  succeeded(): void {
    this.#backoff.reset();
  }

  /** Asks for `paths`. Calls `answered` unless another session has begun by then. */
  async ask(paths: readonly string[], answered: Answered): Promise<void> {
    const { signal } = this.#session;
    const answer = await this.#post(this.#settings.connectUrl, paths, { signal });
    if (!signal.aborted) answered(...this.#judge(paths, answer));
  }

  /** Tells that `paths` are no longer wanted; also when the page or Pomona goes meanwhile. Calls `told` as `ask` does. */
  async release(paths: readonly string[], told: (error: PomonaError | null) => void): Promise<void> {
    const { signal } = this.#session;
    const { isOk, answer } = await this.#post(this.#settings.disconnectUrl, paths, { keepalive: true });
    if (signal.aborted) return;
    told(isOk ? null : new PomonaError('disconnect_failed', `disconnectUrl: ${answer}`));
  }

  #judge(paths: readonly string[], { status, body, isOk, answer }: Answer): Parameters<Answered> {
    const message = `connectUrl: ${answer}`;
    const { error, refused } = isObject(body) ? body : {};
    // Dobby knows the session no more, or not yet: the back end has decided nothing.
    const isUnknown = isObject(error) && error['code'] === 'unknown_session';
    const isDecided = isOk || (status && status < 500 && status !== 429 && !isUnknown);
    if (!isDecided) return [paths, 'connect_failed', message];
    this.succeeded();
    const isRefused = (path: string): boolean => !isOk || (Array.isArray(refused) && refused.includes(path));
    return [paths.filter(isRefused), 'connect_refused', message];
  }

  /** Posts to a view. Never rejects: without an answer the status is 0. */
  async #post(url = '', paths: readonly string[], init: RequestInit): Promise<Answer> {
    const { headers, credentials, clock } = this.#settings;
    const uid = this.#uid();
    const run = async (signal: AbortSignal): Promise<Answer> => {
      const own = typeof headers === 'function' ? await headers() : headers;
      const response = await this.#settings.fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...this.#csrf(url), ...own },
        credentials,
        body: JSON.stringify({ uid, paths }),
        ...init,
        signal,
      });
      const { ok, status, redirected } = response;
      const text = await response.text();
      const answer = described(response, text);
      return { status, body: parseJson(text), isOk: ok && !redirected, answer };
    };
    try {
      return await within({ clock, signal: init.signal, ms: VIEW_MS }, run);
    } catch (error) {
      return { status: 0, body: null, isOk: false, answer: String(error) };
    }
  }

  /** Django's token, for the page's own origin and for nobody else. */
  #csrf(url: string): Record<string, string> {
    const page = pageUrl();
    if (!page || !globalThis.document || new URL(url, page).origin !== new URL(page).origin) return {};
    const start = `${this.#settings.csrfCookie}=`;
    const cookie = document.cookie.split('; ').find((entry) => entry.startsWith(start));
    return cookie === undefined ? {} : { 'X-CSRFToken': cookie.slice(start.length) };
  }
}

interface Answer {
  /** 0 when there was none. */
  readonly status: number;
  /** Parsed; undefined when it is no JSON. */
  readonly body: unknown;
  /** Whether it was 2xx, of the view itself: a redirect leads to a login page. */
  readonly isOk: boolean;
  /** What it was, for people. */
  readonly answer: string;
}

/** An answer for people: its status, its type, where it was redirected to, and how it begins. */
function described({ status, headers, redirected, url }: Response, text: string): string {
  const to = redirected ? `, redirected to ${url}` : '';
  return `HTTP ${status}, ${headers.get('content-type')}${to}: ${text.slice(0, MAX_QUOTED)}`;
}
