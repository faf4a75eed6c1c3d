/**
 * What event streams and long-poll share: POSTs to Dobby, what their failures mean, and the upstream,
 * which has one POST in flight and keeps the order of frames.
 */
import type { LIMITS } from '../../../protocol/limits.js';
import { Backoff } from '../backoff.js';
import { isCount, isObject, isString } from '../checks.js';
import { pause, within } from '../clock.js';
import { FAREWELL, type Transport, type TransportContext } from './transport.js';

const FRAMES_PER_POST = 100 satisfies (typeof LIMITS)['framesPerPost'];
/** Leaves room for the ticket: half of `openBytes`. */
const POST_BYTES = 131_072;
/** How often one POST is repeated before the transport gives up. */
const REPEATS = 3;
/** How long a POST that Dobby answers at once may take. */
export const UPSTREAM_MS = 10_000;

/** An answer that is not 2xx. It carries the fields of a TransportEnd too. */
class PostFailed extends Error {
  declare mayRepeat: boolean;
}

/** A POST to the endpoint. */
interface PostOptions {
  readonly signal: AbortSignal;
  /** How long the answer may take; without it as long as `signal` allows. */
  readonly ms?: number | undefined;
}

/** Sends `body` to the endpoint. @throws PostFailed, or what `fetch` throws */
export async function request(context: TransportContext, body: string, init: RequestInit): Promise<Response> {
  const response = await context.fetch(context.httpUrl, {
    method: 'POST',
    credentials: context.credentials,
    // The ticket goes to Dobby and nowhere else.
    redirect: 'manual',
    body,
    ...init,
    headers: { 'Content-Type': 'application/json', ...init.headers },
  });
  if (response.ok) return response;
  const { status } = response;
  const answer: unknown = await response.json().catch(() => null); // of a proxy: it need not be JSON
  const { error } = isObject(answer) ? answer : {};
  const { message, code, close, attempt, reconnectAfterMs } = isObject(error) ? error : {};
  // Only an answer with a close code is Dobby's decision about this client; a parser of HTTP, a proxy or a redirect may have made any other.
  throw Object.assign(new PostFailed(isString(message) ? message : `HTTP ${status}`), {
    mayRepeat: status >= 500 || status === 408 || status === 429,
    error: isString(code) ? code : undefined,
    code: Number(close) || undefined,
    attempt,
    reconnectAfterMs, // checked in `Connection.#retry`
  });
}

/** Sends `body` to the endpoint and reads the JSON that it answers. @throws PostFailed, or what `fetch` throws */
export async function post(context: TransportContext, body: string, options: PostOptions): Promise<unknown> {
  const run = async (signal: AbortSignal): Promise<unknown> =>
    (await request(context, body, { signal })).json();
  const { signal, ms } = options;
  return ms === undefined ? run(signal) : within({ clock: context.clock, signal, ms }, run);
}

/**
 * Posts what `body` makes, again and again until an answer has come whole: what is posted here may be
 * repeated without harm.
 */
export async function exchange(
  context: TransportContext,
  { body, ...options }: PostOptions & { readonly body: () => string },
): Promise<unknown> {
  const backoff = new Backoff({ baseMs: 500, maxMs: 5_000, random: context.random });
  for (let repeats = 0; ; repeats++) {
    try {
      return await post(context, body(), options);
    } catch (error) {
      const isFinal = error instanceof PostFailed && !error.mayRepeat;
      if (options.signal.aborted || isFinal || repeats === REPEATS) throw error;
    }
    await pause({ clock: context.clock, signal: options.signal, ms: backoff.next() });
  }
}

/** A transport whose downstream is `run`, which ends by throwing why, and whose upstream are POSTs. */
export function httpTransport(
  context: TransportContext,
  run: (context: TransportContext, signal: AbortSignal) => Promise<never>,
): Transport {
  const abort = new AbortController();
  const { signal } = abort;
  const end = (error: unknown): void => {
    if (!signal.aborted) context.ended(error as Error);
  };
  run(context, signal).catch(end);
  return {
    send: upstream(context, signal, end),
    close(farewell) {
      abort.abort();
      if (!farewell) return;
      request(context, sendBody(context, [FAREWELL]), { keepalive: true }).catch(() => {
        // it outlives the page, and nothing waits for it: the session then expires by itself
      });
    },
  };
}

/** What carries frames upstream: one POST at a time, in order. */
function upstream(context: TransportContext, signal: AbortSignal, failed: (error: unknown) => void) {
  const queue: string[] = [];
  let isBusy = false;
  // Once it has failed it stays busy: nothing may overtake what was not accepted.
  const run = async (): Promise<void> => {
    isBusy = true;
    await null; // a frame added right after this one travels with it
    while (queue.length > 0 && !signal.aborted) {
      const frames = take(queue);
      const body = () => sendBody(context, frames);
      const answer = await exchange(context, { signal, ms: UPSTREAM_MS, body });
      const accepted = isObject(answer) && answer['accepted'];
      if (isCount(accepted)) context.accepted(accepted);
    }
    isBusy = false;
  };
  return (frames: readonly string[]): void => {
    queue.push(...frames);
    if (!isBusy) run().catch(failed);
  };
}

/** Takes as many frames as one POST may carry, leaving room for the ticket. */
function take(queue: string[]): string[] {
  let count = 0;
  let bytes = 0;
  for (const frame of queue) {
    bytes += 3 * frame.length; // a UTF-16 unit is at most 3 bytes of UTF-8
    if (count > 0 && (count === FRAMES_PER_POST || bytes > POST_BYTES)) break;
    count++;
  }
  return queue.splice(0, count);
}

function sendBody(context: TransportContext, frames: readonly string[]): string {
  return `${JSON.stringify({ type: 'send', ...context.session() }).slice(0, -1)},"frames":[${frames}]}`;
}
