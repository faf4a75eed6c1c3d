/** Somebody with a jar of cookies, as a browser has it, and the Pomona of a page. */
import { Pomona } from '../../../client/src/index.js';
import { type TokenSources, withTokens } from '../../../client/src/tokens/index.js';
import { eventually } from '../../../test/e2e/server-process.js';
import type { Example } from './example.js';

export class Visitor {
  readonly heard: string[] = [];
  readonly refused: string[] = [];
  readonly errors: string[] = [];
  /** Of each kick, whether it was final. */
  readonly kicked: boolean[] = [];
  readonly #example: Example;
  readonly #cookies = new Map<string, string>();
  readonly #pomonas: Pomona[] = [];

  constructor(example: Example) {
    this.#example = example;
  }

  /** Requests something of the back end, or of Dobby, as a page of the back end does. */
  readonly fetch = async (address: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(address), this.#example.url);
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ');
    const headers = { ...Object.fromEntries(new Headers(init.headers)), cookie, origin: this.#example.url };
    const response = await fetch(url, { redirect: 'manual', ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || value === '""') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  };

  /** The value of a cookie. */
  cookie(name: string): string {
    return this.#cookies.get(name) ?? '';
  }

  /** Sends a form. */
  form(url: string, fields: Record<string, string>): Promise<Response> {
    return this.fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  }

  /** Opens a page that hears `paths`. */
  open(
    paths: readonly string[],
    { connectUrl, tokens }: { connectUrl?: string; tokens?: TokenSources } = {},
  ): Pomona {
    const pomona = new Pomona({
      url: `${this.#example.dobbyUrl}/comet`,
      transports: ['event-stream'],
      fetch: this.fetch,
      reconnect: { baseMs: 100, maxMs: 500 },
      ...(connectUrl === undefined ? {} : { connectUrl: `${this.#example.url}${connectUrl}` }),
    });
    if (tokens !== undefined) withTokens(pomona, tokens);
    this.#pomonas.push(pomona);
    pomona.on('refused', ({ path, code }) => this.refused.push(`${path}: ${code}`));
    pomona.on('error', ({ code }) => this.errors.push(code));
    pomona.on('kicked', ({ isFinal }) => this.kicked.push(isFinal));
    for (const path of paths) pomona.connect(path, (message) => this.heard.push(`${path}: ${message}`));
    return pomona;
  }

  /** Waits until one of the lists holds something. */
  has(list: 'heard' | 'refused' | 'errors' | 'kicked', entry: unknown, ms = 10_000): Promise<void> {
    return eventually(
      () => (this[list] as unknown[]).includes(entry),
      () => `${entry}, but ${this}`,
      ms,
    );
  }

  toString(): string {
    const { heard, refused, errors, kicked } = this;
    return JSON.stringify({
      heard,
      refused,
      errors,
      kicked,
      states: this.#pomonas.map(({ state }) => state),
    });
  }

  /** Closes all pages. */
  leave(): void {
    for (const pomona of this.#pomonas) pomona.close();
  }
}
