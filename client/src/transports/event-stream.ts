/**
 * Frames down a streamed POST, up by further POSTs. Never EventSource: it can send neither headers nor
 * a body, and would put the ticket into a URL.
 */
import { parseJson } from '../decode.js';
import { httpTransport, post } from './http.js';
import { SseParser } from './sse-parser.js';
import type { TransportContext, TransportKind } from './transport.js';

/** Larger than any frame of the protocol, in UTF-16 units. */
const MAX_EVENT_LENGTH = 4 * 1024 * 1024;
const EVENT_STREAM = 'text/event-stream';

/** The transport for where WebSockets cannot pass. */
export const eventStream: TransportKind = {
  name: 'event-stream',
  open: (context) => httpTransport(context, receive),
};

/** Reads until the stream ends, and throws why it did. */
async function receive(context: TransportContext, signal: AbortSignal): Promise<never> {
  const response = await post(context, context.firstFrame(), { headers: { Accept: EVENT_STREAM }, signal });
  const reader = response.body?.getReader();
  if (reader === undefined || !response.headers.get('content-type')?.startsWith(EVENT_STREAM)) {
    void reader?.cancel();
    throw new Error('The answer is no event stream.');
  }
  const parser = new SseParser(MAX_EVENT_LENGTH);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error('The event stream ended.');
    context.heard();
    for (const data of parser.push(value)) context.frame(parseJson(data));
  }
}
