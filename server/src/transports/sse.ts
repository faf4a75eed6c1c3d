/** Server-sent events (HTML standard, section 9.2): the bytes of frames, and the beginning and end of a stream. */
import type { ServerResponse } from 'node:http';
import type { ControlFrame } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';
import type { TimerWheel } from '../core/time/timer-wheel.js';
import { encoded, type Framing } from '../core/wire/frame.js';

/** Fills the buffers of proxies and browsers that pass on only many bytes at a time. */
export const STREAM_PADDING = Buffer.from(`:${' '.repeat(2048)}\n\n`);
/** A comment, which keeps proxies awake. */
export const COMMENT = Buffer.from(':\n\n');
/** How long a client may take to read the end of a stream. */
const END_GRACE_MS = 5_000;

/** The headers of every event stream. */
export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  Connection: 'close',
};

/** Frames as events. */
export const eventStreamFraming: Framing = {
  slot: 1,
  size: (text, position) => Buffer.byteLength(idOf(position)) + 8 + Buffer.byteLength(text),
  put: (text, position, bytes, at) => void bytes.write(`${idOf(position)}data: ${text}\n\n`, at),
};

/** Returns the line that names the position of an event. */
function idOf(position: Position | null): string {
  return position === null ? '' : `id: ${position.epoch}:${position.offset}\n`;
}

/** Returns a control frame as an event. */
export function eventOf(frame: ControlFrame): Buffer {
  return encoded(eventStreamFraming, JSON.stringify(frame));
}

/** Returns the line that sets when an `EventSource` reconnects, in milliseconds. */
export function retryOf(ms: number): Buffer {
  return Buffer.from(`retry: ${Math.ceil(ms)}\n\n`);
}

/** Ends a stream. After some seconds it destroys the socket, whose buffers a client that does not read would keep. */
export function endOfStream(response: ServerResponse, wheel: TimerWheel): void {
  const { socket } = response;
  response.end();
  const grace = wheel.after(END_GRACE_MS, () => socket?.destroy());
  socket?.once('close', () => grace.cancel());
}
