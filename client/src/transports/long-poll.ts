/**
 * Frames in the answers to POSTs. The next poll is issued from the completion of the last one, never
 * from a timer, which background tabs throttle. An answer that is lost is asked for again with the same
 * cursor.
 */
import { isObject, isString } from '../checks.js';
import { exchange, httpTransport, post } from './http.js';
import type { TransportContext, TransportKind } from './transport.js';

/** The transport that passes everywhere. */
export const longPoll: TransportKind = {
  name: 'long-poll',
  open: (context) => httpTransport(context, receive),
};

async function receive(context: TransportContext, signal: AbortSignal): Promise<never> {
  const first = await post(context, context.firstFrame(), { signal });
  let cursor = deliver(context, await first.json());
  for (;;) {
    signal.throwIfAborted();
    const body = () => JSON.stringify({ type: 'poll', ...context.session(), cursor });
    cursor = deliver(context, await exchange(context, signal, body));
  }
}

/** Hands over what an answer brings; returns the next cursor. */
function deliver(context: TransportContext, answer: unknown): string {
  const { updates, reconnectWith } = isObject(answer) ? answer : {};
  if (!Array.isArray(updates) || !isString(reconnectWith)) throw new Error('The answer is none to a poll.');
  context.heard();
  for (const frame of updates) context.frame(frame);
  return reconnectWith;
}
