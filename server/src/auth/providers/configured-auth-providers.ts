/** The authentication providers of the configuration: tokens with their keys, and the back end's session view. */
import type { IncomingMessage } from 'node:http';
import { secretsOf } from '../../../../protocol/secrets.js';
import { Webhook } from '../../back-end/webhook.js';
import type { AuthProviders, ClientInfo, TokenReader } from '../../core/access/identity.js';
import type { Clock } from '../../core/time/clock.js';
import type { TimerWheel } from '../../core/time/timer-wheel.js';
import type { Log } from '../../observe/log.js';
import { TokenKeys } from '../tokens/token-keys.js';
import { Tokens } from '../tokens/tokens.js';
import { HttpSessionWebhook } from './http-session-webhook.js';

/** Settings from the configuration. */
export interface AuthSettings {
  readonly sessionUrl?: string;
  /** Header names in lower case. */
  readonly forwardHeaders: readonly string[];
  readonly sessionConnections: number;
  readonly sessionTimeoutMs: number;
  /** Secrets, one a line. */
  readonly tokenSecret?: string;
  /** The file or URL of published keys. */
  readonly tokenKeys?: string;
  readonly tokenIssuer?: string;
  readonly tokenAudience: string;
  readonly maxTokenAgeMs: number;
}

/** Options of `ConfiguredAuthProviders`. */
export interface AuthOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly log: Log;
  /** Returns the token secrets of the state folder, for a configuration without secrets and keys; may make them. */
  readonly madeTokenSecrets: () => readonly string[];
  /** Returns the secret that signs webhook requests; may make it. */
  readonly secret: () => string;
  /** Returns the client's address, resolved behind trusted proxies. */
  readonly addressOf: (request: IncomingMessage) => string;
}

/** Requests about paths for each connection: half of the webhook's queue, so that authentication has room. */
const PATH_REQUESTS_PER_CONNECTION = 8;

/** Tokens and the session view. */
export class ConfiguredAuthProviders implements AuthProviders {
  readonly tokens: TokenReader;
  readonly view: HttpSessionWebhook | null;
  readonly #keys: TokenKeys;
  readonly #webhook: Webhook | null;
  readonly #forwardHeaders: readonly string[];
  readonly #addressOf: (request: IncomingMessage) => string;

  /** @throws TokenKeysError */
  constructor(settings: AuthSettings, options: AuthOptions) {
    const { clock, wheel, log, secret, addressOf } = options;
    const { sessionUrl: url, sessionConnections: maxConnections } = settings;
    const { sessionTimeoutMs: timeoutMs } = settings;
    const { tokenKeys, tokenIssuer, tokenAudience: audience, maxTokenAgeMs: maxAgeMs } = settings;
    const fallback = tokenKeys === undefined ? options.madeTokenSecrets : () => [];
    const secrets = secretsOf(settings.tokenSecret ?? '') ?? fallback();
    this.#keys = new TokenKeys({ secrets, location: tokenKeys ?? null, clock, log });
    const issuer = tokenIssuer === undefined ? {} : { issuer: tokenIssuer };
    this.tokens = new Tokens({ keys: this.#keys, audience, ...issuer, maxAgeMs, clock });
    this.#webhook =
      url === undefined ? null : new Webhook({ clock, log, url, secret: secret(), maxConnections });
    this.view =
      this.#webhook === null
        ? null
        : new HttpSessionWebhook({
            webhook: this.#webhook,
            clock,
            wheel,
            log,
            timeoutMs,
            maxPathRequests: PATH_REQUESTS_PER_CONNECTION * maxConnections,
          });
    this.#forwardHeaders = settings.forwardHeaders;
    this.#addressOf = addressOf;
  }

  /** Returns whether clients should send their cookies. */
  get wantsCookies(): boolean {
    return this.view !== null;
  }

  /** Returns the headers and address to forward to the back end; cookies only for requests with an Origin. */
  clientInfoOf(request: IncomingMessage): ClientInfo {
    const address = this.#addressOf(request);
    if (this.view === null) return { headers: {}, address };
    const names =
      request.headers.origin === undefined ? this.#forwardHeaders : ['cookie', ...this.#forwardHeaders];
    const headers: Record<string, string> = {};
    for (const name of names) {
      const value = request.headers[name];
      if (value !== undefined) headers[name] = String(value);
    }
    return { headers, address };
  }

  /** Fetches published keys, so that faults are logged at once. */
  start(): void {
    this.#keys.start();
  }

  /** Closes the connections. */
  async stop(): Promise<void> {
    await Promise.all([this.#webhook?.stop(), this.#keys.stop()]);
  }
}
