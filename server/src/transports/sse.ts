/** Server-sent events (HTML standard, section 9.2): the bytes of frames, and the beginning and end of a stream. */
import type { ServerResponse } from 'node:http';
import type { Position } from '../../../protocol/positions.js';
import type { TimerWheel } from '../core/time/timer-wheel.js';
import type { Content } from '../core/wire/content.js';
import { type Encoding, textFraming } from '../core/wire/encoding.js';
import { Frame } from '../core/wire/frame.js';
import { DOBBY } from './dobby-dialect.js';

/** How long a client may take to read the end of a stream. */
const END_GRACE_MS = 5_000;

/** How frames are streamed in an endless HTTP response. */
export interface StreamFormat {
  readonly encoding: Encoding;
  readonly contentType: string;
  /** The first bytes. */
  readonly padding: Buffer;
  /** Bytes that clients ignore, which keep proxies awake. */
  readonly comment: Buffer;
  /** Returns the bytes that set when a client reconnects, in milliseconds. */
  retry(ms: number): Buffer;
}

/** Returns the headers of a stream. */
export const streamHeaders = ({ contentType }: StreamFormat): Record<string, string> => ({
  'Content-Type': contentType,
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  Connection: 'close',
});

/** Event streams of Dobby's own protocol. */
export const EVENT_STREAM: StreamFormat = {
  encoding: {
    writer: DOBBY,
    framing: textFraming((text, position) => `${idOf(position)}data: ${text}\n\n`),
  },
  contentType: 'text/event-stream; charset=utf-8',
  // Fills the buffers of proxies and browsers that pass on only many bytes at a time.
  padding: Buffer.from(`:${' '.repeat(2048)}\n\n`),
  comment: Buffer.from(':\n\n'),
  retry: (ms) => Buffer.from(`retry: ${Math.ceil(ms)}\n\n`),
};

/** Returns the line that names the position of an update. */
function idOf(position: Position | null): string {
  return position === null ? '' : `id: ${position.epoch}:${position.offset}\n`;
}

/** Returns a frame to one client as an event. */
export function eventOf(content: Content): Buffer {
  return Frame.of(content).encoded(EVENT_STREAM.encoding);
}

/** Ends a stream. After some seconds it destroys the socket, whose buffers a client that does not read would keep. */
export function endOfStream(response: ServerResponse, wheel: TimerWheel): void {
  const { socket } = response;
  response.end();
  const grace = wheel.after(END_GRACE_MS, () => socket?.destroy());
  socket?.once('close', () => grace.cancel());
}
