/** Frames over a WebSocket, one text message each. */
import { isString } from '../checks.js';
import { parseJson } from '../decode.js';
import { FAREWELL, type Transport, type TransportContext, type TransportKind } from './transport.js';

const NOTHING = (): void => {
  // a handler that is not needed
};

/** The transport that is tried first. */
export const websocket: TransportKind = {
  name: 'websocket',
  isAvailable: (environment) => environment.WebSocket !== undefined,
  open: openWebSocket,
};

function openWebSocket(context: TransportContext): Transport {
  const Socket = context.WebSocket as NonNullable<TransportContext['WebSocket']>;
  const socket = new Socket(context.socketUrl);
  socket.onopen = () => socket.send(context.firstFrame());
  socket.onmessage = ({ data }: { data: unknown }) => {
    if (isString(data)) context.frame(parseJson(data));
  };
  socket.onerror = NOTHING; // `close` follows and tells more
  socket.onclose = ({ code, reason }: { code: number; reason: unknown }) =>
    context.ended({ code, message: String(reason) || `The WebSocket closed with ${code}.` });
  return {
    send(frames) {
      for (const frame of frames) socket.send(frame);
    },
    close(farewell) {
      socket.onopen = socket.onmessage = socket.onclose = NOTHING;
      if (farewell) socket.send(FAREWELL);
      socket.close();
    },
  };
}
