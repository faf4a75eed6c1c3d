/**
 * Asks the back end, by a signed webhook, who is asking and what they may hear. Equal questions that are under way at the same time
 * are asked once. Nobody is let in without an answer.
 */
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Webhook, WebhookAnswer } from '../../back-end/webhook.js';
import type {
  Authentication,
  ClientInfo,
  PathDecision,
  Principal,
  SessionWebhook,
} from '../../core/access/identity.js';
import type { Clock } from '../../core/time/clock.js';
import type { TimerWheel } from '../../core/time/timer-wheel.js';
import type { Log } from '../../observe/log.js';
import { readSessionAnswer, readSubscribeAnswer } from './session-answers.js';

/** What the view stands on. */
export interface SessionWebhookOptions {
  readonly webhook: Webhook;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly log: Log;
  /** How long one answer may take. */
  readonly timeoutMs: number;
  /** Questions about paths at a time: the others wait, so that there is always room to ask who a visitor is. */
  readonly maxAsking: number;
}

/** A back end that was asked for so long, and did not answer, is slow. */
const TELLING_MS = 4_500;

/** The session view of a back end. */
export class HttpSessionWebhook implements SessionWebhook {
  readonly #parts: SessionWebhookOptions;
  readonly #authenticating = new Map<string, Promise<Outcome<Authentication>>>();
  readonly #asking = new Map<string, Promise<PathDecision | null>>();

  constructor(parts: SessionWebhookOptions) {
    this.#parts = parts;
  }

  authenticate(visitor: ClientInfo, paths: readonly string[]): Promise<Outcome<Authentication>> {
    return once(this.#authenticating, JSON.stringify([visitor, paths]), () =>
      this.#authenticate(visitor, paths),
    );
  }

  ask(asker: Principal, paths: readonly string[]): Promise<PathDecision | null> {
    const question = { type: 'subscribe', ...asker, paths };
    return once(this.#asking, JSON.stringify(question), () => this.#ask(question));
  }

  async #authenticate(
    { headers, address }: ClientInfo,
    paths: readonly string[],
  ): Promise<Outcome<Authentication>> {
    const { clock, timeoutMs } = this.#parts;
    const at = clock.now();
    const shown = { ...headers, 'x-forwarded-for': address };
    const answer = await this.#post({ type: 'session', paths }, { timeoutMs, headers: shown });
    const read = 'json' in answer ? readSessionAnswer(answer.json) : (answer.detail ?? answer.failure);
    if (typeof read === 'string') {
      this.#warn(answer, read);
      return { error: errorBody('not_identified') };
    }
    if ('error' in read)
      return {
        error: errorBody('not_allowed', {
          message: read.error.message ?? 'The back end does not let this visitor in.',
        }),
      };
    const { refused, expiresInMs, ...said } = read;
    const expiresAt = expiresInMs === null ? null : clock.now() + expiresInMs;
    return { value: { identity: { source: 'webhook', ...said, at, expiresAt }, refused } };
  }

  async #ask(question: object): Promise<PathDecision | null> {
    const { clock, timeoutMs, maxAsking } = this.#parts;
    const at = clock.now();
    if (this.#asking.size >= maxAsking) return null;
    const answer = await this.#post(question, { timeoutMs });
    const read = 'json' in answer ? readSubscribeAnswer(answer.json) : (answer.detail ?? answer.failure);
    if (typeof read !== 'string') return { ...read, at };
    this.#warn(answer, read);
    return null;
  }

  async #post(
    question: object,
    { timeoutMs, headers }: { timeoutMs: number; headers?: Readonly<Record<string, string>> },
  ): Promise<WebhookAnswer> {
    const { webhook, wheel } = this.#parts;
    const abort = new AbortController();
    const timer = wheel.after(timeoutMs, () => abort.abort(new Error('no answer in time')));
    const answer = await webhook.ask(
      question,
      { signal: abort.signal, isTelling: (askedMs) => askedMs >= Math.min(timeoutMs, TELLING_MS) },
      headers,
    );
    timer.cancel();
    return answer;
  }

  /** Not when it was not even asked: that it is down is told once. */
  #warn(answer: WebhookAnswer, detail: string): void {
    if ('failure' in answer && answer.detail === undefined) return;
    this.#parts.log.warn({ detail }, 'the back end could not say who is asking');
  }
}

/** The promise of an equal question that is under way, else that of `ask`. */
function once<T>(underWay: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const known = underWay.get(key);
  if (known !== undefined) return known;
  const asked = ask().finally(() => underWay.delete(key));
  underWay.set(key, asked);
  return asked;
}
