/** The authentication providers of the configuration: tokens with their keys, and the back end's session view. */
import type { IncomingMessage } from 'node:http';
import { secretsOf } from '../../../../protocol/secrets.js';
import { Webhook } from '../../back-end/webhook.js';
import type { Config } from '../../config/config.js';
import type { AuthProviders, ClientInfo, TokenReader } from '../../core/access/identity.js';
import type { Clock } from '../../core/time/clock.js';
import type { TimerWheel } from '../../core/time/timer-wheel.js';
import type { Log } from '../../observe/log.js';
import { TokenKeys } from '../tokens/token-keys.js';
import { Tokens } from '../tokens/tokens.js';
import { HttpSessionWebhook } from './http-session-webhook.js';

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
  readonly view: HttpSessionWebhook | null = null;
  readonly #keys: TokenKeys;
  readonly #webhook: Webhook | null = null;
  readonly #forwardHeaders: readonly string[];
  readonly #addressOf: (request: IncomingMessage) => string;

  /** @throws TokenKeysError */
  constructor(config: Config, options: AuthOptions) {
    const { clock, wheel, log } = options;
    const { tokenKeys: location = null, tokenIssuer: issuer, sessionUrl: url } = config;
    const madeSecrets = location === null ? options.madeTokenSecrets : () => [];
    const secrets = secretsOf(config.tokenSecret ?? '') ?? madeSecrets();
    this.#keys = new TokenKeys({ secrets, location, clock, log });
    this.tokens = new Tokens({
      ...{ keys: this.#keys, clock, audience: config.tokenAudience, maxAgeMs: config.maxTokenAgeMs },
      ...(issuer !== undefined && { issuer }),
    });
    this.#forwardHeaders = config.forwardHeaders;
    this.#addressOf = options.addressOf;
    if (url === undefined) return;
    const { sessionConnections: maxConnections, sessionTimeoutMs: timeoutMs } = config;
    const webhook = new Webhook({ clock, log, url, secret: options.secret(), maxConnections });
    const maxPathRequests = PATH_REQUESTS_PER_CONNECTION * maxConnections;
    this.#webhook = webhook;
    this.view = new HttpSessionWebhook({ webhook, clock, wheel, log, timeoutMs, maxPathRequests });
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

  /** Loads published keys, so that faults are logged at once. */
  start(): void {
    this.#keys.start();
  }

  /** Closes the connections. */
  async stop(): Promise<void> {
    await Promise.all([this.#webhook?.stop(), this.#keys.stop()]);
  }
}
