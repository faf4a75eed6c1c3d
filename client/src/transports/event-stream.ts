/**
 * Frames down a streamed POST, up by further POSTs. Never EventSource: it can send neither headers nor
 * a body, and would put the ticket into a URL.
 */
import { parseJson } from '../decode.js';
import { httpTransport, post, request, UPSTREAM_MS } from './http.js';
import { SseParser } from './sse-parser.js';
import { isProbed, probeFrame, type TransportContext, type TransportKind } from './transport.js';

/** Larger than any frame of the protocol, in UTF-16 units. */
const MAX_EVENT_LENGTH = 4 * 1024 * 1024;
const EVENT_STREAM = 'text/event-stream';
/** The answers to the steps of a probe are a second apart. Where they come together a proxy has held the first one back. */
const APART_MS = 500;

/** The transport for where WebSockets cannot pass. */
export const eventStream: TransportKind = {
  name: 'event-stream',
  open: (context) => httpTransport(context, receive),
};

/** Reads until the stream ends, and throws why it did. */
async function receive(context: TransportContext, signal: AbortSignal): Promise<never> {
  if (context.isProbe) await probe(context, signal);
  await read(context, { body: context.firstFrame(), signal }, (frame) => void context.frame(frame));
  throw new Error('The event stream ended.');
}

/** Proves that a stream passes as it comes, and that POSTs pass beside it. Throws where it does not. */
async function probe(context: TransportContext, signal: AbortSignal): Promise<void> {
  const { clock } = context;
  let firstAt = 0;
  let apartMs = 0;
  let upstream: Promise<unknown> | undefined;
  await read(context, { body: probeFrame(1), signal }, (frame) => {
    if (isProbed(frame, 1)) {
      firstAt = clock.now();
      upstream = post(context, probeFrame(2), { signal, ms: UPSTREAM_MS });
      upstream.catch(() => undefined); // awaited below
    }
    if (isProbed(frame, 2)) apartMs = clock.now() - firstAt;
    return apartMs > 0;
  });
  // Buffered, ended, or without an upstream.
  if (apartMs < APART_MS || !isProbed(await upstream, 2)) throw new Error('The probe failed.');
}

/** Hands over the frames of a stream until it ends, or `take` says that it may. */
async function read(
  context: TransportContext,
  { body, signal }: { readonly body: string; readonly signal: AbortSignal },
  take: (frame: unknown) => boolean | undefined,
): Promise<void> {
  const response = await request(context, body, { headers: { Accept: EVENT_STREAM }, signal });
  const reader = response.body?.getReader();
  try {
    if (reader === undefined || !response.headers.get('content-type')?.startsWith(EVENT_STREAM))
      throw new Error('This is no event stream.');
    const parser = new SseParser(MAX_EVENT_LENGTH);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      context.heard();
      for (const data of parser.push(value)) if (take(parseJson(data))) return;
    }
  } finally {
    reader?.cancel().catch(() => undefined); // it may have ended
  }
}
