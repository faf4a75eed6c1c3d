/** Those who can say something of sessions, as the configuration names them: tokens by their keys, and the back end by its session view. */
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

/** What the configuration says of them. */
export interface AuthSettings {
  readonly sessionUrl?: string;
  /** In lower case. */
  readonly forwardHeaders: readonly string[];
  readonly sessionConnections: number;
  readonly sessionTimeoutMs: number;
  /** One in each line. */
  readonly tokenSecret?: string;
  /** The file or URL of published keys. */
  readonly tokenKeys?: string;
  readonly tokenIssuer?: string;
  readonly tokenAudience: string;
  readonly maxTokenAgeMs: number;
}

/** What they stand on. */
export interface AuthOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly log: Log;
  /** The secrets of tokens where neither they nor published keys are configured; made at the first call. */
  readonly madeTokenSecrets: () => readonly string[];
  /** The secret that signs what the back end is asked; made at the first call. */
  readonly secret: () => string;
  /** The client's address, seen through trusted proxies. */
  readonly addressOf: (request: IncomingMessage) => string;
}

/** Half of what may wait for each connection. */
const ASKING_PER_CONNECTION = 8;

/** Tokens and the session view, put together. */
export class ConfiguredAuthProviders implements AuthProviders {
  readonly tokens: TokenReader;
  readonly view: HttpSessionWebhook | null;
  readonly #keys: TokenKeys;
  readonly #webhook: Webhook | null;
  readonly #forwardHeaders: readonly string[];
  readonly #addressOf: (request: IncomingMessage) => string;

  /** @throws TokenKeysError */
  constructor(settings: AuthSettings, surroundings: AuthOptions) {
    const { clock, wheel, log, secret, addressOf } = surroundings;
    const { sessionUrl: url, sessionConnections: maxConnections } = settings;
    const { sessionTimeoutMs: timeoutMs } = settings;
    const { tokenKeys, tokenIssuer, tokenAudience: audience, maxTokenAgeMs: maxAgeMs } = settings;
    const made = tokenKeys === undefined ? surroundings.madeTokenSecrets : () => [];
    const secrets = secretsOf(settings.tokenSecret ?? '') ?? made();
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
            maxAsking: ASKING_PER_CONNECTION * maxConnections,
          });
    this.#forwardHeaders = settings.forwardHeaders;
    this.#addressOf = addressOf;
  }

  /** Whether clients are to show their cookies. */
  get wantsCookies(): boolean {
    return this.view !== null;
  }

  /** What the back end is told of a client whose origin may connect: its cookies only where a page has sent them. */
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

  /** Looks for published keys, so that what is wrong with them is told at once. */
  start(): void {
    this.#keys.start();
  }

  /** Lets go of connections. */
  async stop(): Promise<void> {
    await Promise.all([this.#webhook?.stop(), this.#keys.stop()]);
  }
}
