/**
 * Frames in the answers to POSTs. The next poll is issued from the completion of the last one, never
 * from a timer, which background tabs throttle. An answer that is lost is asked for again with the same
 * cursor.
 */
import { isObject, isString } from '../checks.js';
import { exchange, httpTransport, post, UPSTREAM_MS } from './http.js';
import { isProbed, probeFrame, type TransportContext, type TransportKind } from './transport.js';

/** The transport that passes everywhere. */
export const longPoll: TransportKind = {
  name: 'long-poll',
  open: (context) => httpTransport(context, receive),
};

async function receive(context: TransportContext, signal: AbortSignal): Promise<never> {
  if (context.isProbe) await probe(context, signal);
  let cursor = deliver(context, await post(context, context.firstFrame(), { signal }));
  for (;;) {
    signal.throwIfAborted();
    const body = () => JSON.stringify({ type: 'poll', ...context.session(), cursor });
    cursor = deliver(context, await exchange(context, { signal, body }));
  }
}

async function probe(context: TransportContext, signal: AbortSignal): Promise<void> {
  for (const step of [1, 2] as const) {
    const answer = await post(context, probeFrame(step), { signal, ms: UPSTREAM_MS });
    if (!isProbed(answer, step)) throw new Error('The probe failed.');
  }
}

/** Hands over what an answer brings; returns the next cursor. */
function deliver(context: TransportContext, answer: unknown): string {
  const { updates, reconnectWith } = isObject(answer) ? answer : {};
  if (!Array.isArray(updates) || !isString(reconnectWith)) throw new Error('This is no answer to a poll.');
  context.heard();
  for (const frame of updates) context.frame(frame);
  return reconnectWith;
}
