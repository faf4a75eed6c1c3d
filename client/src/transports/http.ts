/**
 * What event streams and long-poll share: POSTs to Dobby, what their failures mean, and the upstream,
 * which has one POST in flight and keeps the order of frames.
 */
import { CLOSE_CODES } from '../../../protocol/codes.js';
import { LIMITS } from '../../../protocol/limits.js';
import { Backoff } from '../backoff.js';
import { isObject } from '../decode.js';
import { FAREWELL, type TransportContext, type TransportEnd } from './transport.js';

/** How often one POST is repeated before the transport gives up. */
const REPEATS = 3;

/** A POST that is not to be repeated; `end` says what becomes of the transport. */
export class PostFailed extends Error {
  readonly end: TransportEnd;
  /** Whether the same body may be sent again. */
  readonly mayRepeat: boolean;

  constructor(end: TransportEnd, mayRepeat: boolean) {
    super(end.message);
    this.end = end;
    this.mayRepeat = mayRepeat;
  }
}

/** The settings of one POST. */
export interface PostOptions {
  readonly accept?: string;
  readonly signal?: AbortSignal;
  readonly keepalive?: boolean;
}

/** Sends `body` to the endpoint. @throws PostFailed when the answer is not 2xx or does not come. */
export async function post(
  context: TransportContext,
  body: string,
  { accept = 'application/json', ...options }: PostOptions,
): Promise<Response> {
  let response: Response;
  try {
    response = await context.fetch(context.httpUrl, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: accept },
      credentials: context.credentials,
      cache: 'no-store',
      body,
      ...options,
    });
  } catch (error) {
    throw new PostFailed({ message: `The request failed: ${String(error)}` }, true);
  }
  if (response.ok) return response;
  throw await failureOf(response);
}

async function failureOf(response: Response): Promise<PostFailed> {
  const { status } = response;
  const mayRepeat = status >= 500 || status === 408 || status === 429;
  let answer: unknown;
  try {
    answer = await response.json();
  } catch {
    answer = null; // not Dobby's: what stands between answered
  }
  const told = isObject(answer) && isObject(answer['error']) ? answer['error'] : null;
  if (told === null) return new PostFailed({ message: `HTTP ${status}` }, mayRepeat);
  const error = String(told['code']);
  const isElsewhere = status === 404 || status === 405 || status === 426;
  const refused = status === 400 || status === 403 || status === 413;
  const message = String(told['message']);
  return new PostFailed({ message, error, refused, answered: !isElsewhere, ...closeOf(error) }, mayRepeat);
}

/** Over HTTP an error stands where a WebSocket would be closed with a code. */
function closeOf(error: string): { code?: number } {
  if (error === 'bad_ticket') return { code: CLOSE_CODES.ticket_refused };
  return Object.hasOwn(CLOSE_CODES, error) ? { code: CLOSE_CODES[error as 'restarting'] } : {};
}

/**
 * Posts what `body` makes, again and again until an answer has come whole: what is posted here may be
 * repeated without harm. @throws PostFailed
 */
export async function exchange(
  context: TransportContext,
  signal: AbortSignal,
  body: () => string,
): Promise<unknown> {
  const backoff = new Backoff({ baseMs: 500, maxMs: 5_000, random: context.random });
  for (let repeats = 0; ; repeats++) {
    try {
      const response = await post(context, body(), { signal });
      return await response.json();
    } catch (error) {
      const mayRepeat = error instanceof PostFailed ? error.mayRepeat : true;
      if (signal.aborted || !mayRepeat || repeats === REPEATS) throw error;
    }
    await new Promise<void>((resolve) => context.clock.setTimeout(resolve, backoff.next()));
    if (signal.aborted) throw new PostFailed({ message: 'closed' }, false);
  }
}

/** What to tell the context when `error` ended a transport. */
export function endOf(error: unknown): TransportEnd {
  return error instanceof PostFailed ? error.end : { message: String(error) };
}

/** Carries frames upstream: one POST at a time, in order. */
export class Upstream {
  readonly #context: TransportContext;
  readonly #signal: AbortSignal;
  #queue: string[] = [];
  #isBusy = false;

  constructor(context: TransportContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  /** Adds encoded frames; they leave as soon as what was before them has been answered. */
  push(frames: readonly string[]): void {
    this.#queue.push(...frames);
    if (!this.#isBusy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    try {
      await null; // a frame added right after this one travels with it
      while (this.#queue.length > 0 && !this.#signal.aborted) {
        const frames = this.#take();
        const answer = await exchange(this.#context, this.#signal, () => sendBody(this.#context, frames));
        const accepted = isObject(answer) ? answer['accepted'] : undefined;
        if (this.#signal.aborted) return;
        if (Number.isSafeInteger(accepted)) this.#context.accepted(accepted as number);
      }
    } catch (error) {
      if (!this.#signal.aborted) this.#context.ended(endOf(error));
    } finally {
      this.#isBusy = false;
    }
  }

  /** As many frames as one POST may carry, leaving room for the ticket. */
  #take(): string[] {
    let count = 0;
    let bytes = 0;
    for (const frame of this.#queue) {
      bytes += 3 * frame.length; // a UTF-16 unit is at most 3 bytes of UTF-8
      if (count > 0 && (count === LIMITS.framesPerPost || bytes > LIMITS.openBytes / 2)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }
}

function sendBody(context: TransportContext, frames: readonly string[]): string {
  const envelope = JSON.stringify({ type: 'send', ...context.session() });
  return `${envelope.slice(0, -1)},"frames":[${frames.join()}]}`;
}

/** Ends the session: the request outlives the page. */
export function bidFarewell(context: TransportContext): void {
  post(context, sendBody(context, [FAREWELL]), { keepalive: true }).catch(() => {
    // nobody is left to hear of it; without the frame the session expires by itself
  });
}
