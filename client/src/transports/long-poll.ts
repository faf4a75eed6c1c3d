/**
 * Frames in the answers to POSTs. The next poll is issued from the completion of the last one, never
 * from a timer, which background tabs throttle. An answer that is lost is asked for again with the same cursor.
 */
import { isObject } from '../decode.js';
import { bidFarewell, endOf, exchange, PostFailed, post, Upstream } from './http.js';
import type { Transport, TransportContext, TransportKind } from './transport.js';

/** The transport that passes everywhere. */
export const longPoll: TransportKind = {
  name: 'long-poll',
  isAvailable: () => true,
  open: openLongPoll,
};

function openLongPoll(context: TransportContext): Transport {
  const abort = new AbortController();
  const upstream = new Upstream(context, abort.signal);
  let isOpen = false;
  const run = async (): Promise<void> => {
    await null; // what is wanted in the same tick travels with the first frame
    if (abort.signal.aborted) return;
    const first = await post(context, context.firstFrame(), { signal: abort.signal });
    let cursor = deliver(context, abort.signal, await first.json());
    isOpen = true;
    while (!abort.signal.aborted) {
      const body = () => JSON.stringify({ type: 'poll', ...context.session(), cursor });
      cursor = deliver(context, abort.signal, await exchange(context, abort.signal, body));
    }
  };
  run().catch((error: unknown) => {
    if (!abort.signal.aborted) context.ended(endOf(error));
    abort.abort();
  });
  return {
    send: (frames) => upstream.push(frames),
    close(farewell) {
      if (!abort.signal.aborted && farewell && isOpen) bidFarewell(context);
      abort.abort();
    },
  };
}

/** Hands over what an answer brings; returns the next cursor. */
function deliver(context: TransportContext, signal: AbortSignal, answer: unknown): string {
  if (signal.aborted) return '';
  const updates = isObject(answer) ? answer['updates'] : null;
  const cursor = isObject(answer) ? answer['reconnectWith'] : null;
  if (!Array.isArray(updates) || typeof cursor !== 'string')
    throw new PostFailed({ message: 'The answer is none to a poll.' }, false);
  context.heard();
  for (const frame of updates) {
    if (!signal.aborted) context.frame(frame);
  }
  return cursor;
}
