/** Frames over a WebSocket, one text message each. A probe and the `open` frame that follows it share one WebSocket. */
import { isString } from '../checks.js';
import { parseJson } from '../decode.js';
import {
  FAREWELL,
  isProbed,
  probeFrame,
  type Transport,
  type TransportContext,
  type TransportKind,
} from './transport.js';

const NOTHING = (): void => {
  // a handler that is not needed
};
/** How long after `error` its `close` is waited for: Chromium sends none where the page's policy forbids the WebSocket. */
const CLOSE_MS = 100;

/** The transport that is tried first. */
export const websocket: TransportKind = {
  name: 'websocket',
  isAvailable: (environment) => environment.WebSocket !== undefined,
  open: openWebSocket,
};

function openWebSocket(context: TransportContext): Transport {
  const { clock } = context;
  const Socket = context.WebSocket as NonNullable<TransportContext['WebSocket']>;
  const socket = new Socket(context.socketUrl);
  let errorTimer: unknown;
  /** The step of the probe whose answer is awaited; 0 for none. */
  let step: 0 | 1 | 2 = context.isProbe ? 1 : 0;
  const send = (): void => socket.send(step ? probeFrame(step) : context.firstFrame());
  socket.onopen = send;
  socket.onmessage = ({ data }: { data: unknown }) => {
    if (!isString(data)) return;
    const frame = parseJson(data);
    if (!step || !isProbed(frame, step)) return context.frame(frame);
    step = step === 1 ? 2 : 0;
    send();
  };
  socket.onerror = () => {
    errorTimer ??= clock.setTimeout(() => context.ended({ message: 'The WebSocket failed.' }), CLOSE_MS);
  };
  socket.onclose = ({ code, reason }: { code: number; reason: unknown }) => {
    clock.clearTimeout(errorTimer);
    context.ended({ code, message: String(reason) || `The WebSocket closed with ${code}.` });
  };
  return {
    send(frames) {
      for (const frame of frames) socket.send(frame);
    },
    close(farewell) {
      clock.clearTimeout(errorTimer);
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = NOTHING;
      if (farewell) socket.send(FAREWELL);
      socket.close();
    },
  };
}
