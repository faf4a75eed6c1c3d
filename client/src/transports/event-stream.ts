/**
 * Frames down a streamed POST, up by further POSTs. Never EventSource: it can send neither headers nor
 * a body, and would put the ticket into a URL.
 */
import { parseJson } from '../decode.js';
import { bidFarewell, endOf, post, Upstream } from './http.js';
import { SseParser } from './sse-parser.js';
import type { Transport, TransportContext, TransportKind } from './transport.js';

/** Larger than any frame of the protocol, in UTF-16 units. */
const MAX_EVENT_LENGTH = 4 * 1024 * 1024;

/** The transport for where WebSockets cannot pass. */
export const eventStream: TransportKind = {
  name: 'event-stream',
  isAvailable: () => typeof ReadableStream === 'function',
  open: openEventStream,
};

function openEventStream(context: TransportContext): Transport {
  const abort = new AbortController();
  const upstream = new Upstream(context, abort.signal);
  let isOpen = false;
  const opened: TransportContext = {
    ...context,
    frame(value) {
      isOpen = true;
      context.frame(value);
    },
  };
  void receive(opened, abort.signal).then((message) => {
    if (!abort.signal.aborted) context.ended(message);
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

/** Reads until the stream ends, and says why it did. */
async function receive(context: TransportContext, signal: AbortSignal) {
  try {
    await null; // what is wanted in the same tick travels with the first frame
    if (signal.aborted) return { message: 'closed' };
    const response = await post(context, context.firstFrame(), { accept: 'text/event-stream', signal });
    const type = response.headers.get('content-type') ?? '';
    if (response.body === null || !type.startsWith('text/event-stream')) {
      void response.body?.cancel();
      return { message: 'The answer is no event stream.' };
    }
    return await readEvents(context, signal, response.body.getReader());
  } catch (error) {
    return endOf(error);
  }
}

async function readEvents(
  context: TransportContext,
  signal: AbortSignal,
  reader: ReadableStreamDefaultReader<Uint8Array>,
) {
  const parser = new SseParser(MAX_EVENT_LENGTH);
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return { message: 'The event stream ended.' };
    context.heard();
    const events = parser.push(value);
    if (events === null) return { message: 'An event is larger than any frame.' };
    for (const data of events) {
      if (!signal.aborted) context.frame(parseJson(data));
    }
  }
}
