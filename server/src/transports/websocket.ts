/**
 * WebSocket connections. `ws` does the handshake and reads; what Dobby sends is framed once for all connections and written to
 * the socket that was given to the handshake, past the library's own sender, which is used only for the close
 * frame at the very end. One frame of the protocol is one text message; there is no compression.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Sender, type WebSocket, WebSocketServer } from 'ws';
import { CLOSE_CODES } from '../../../protocol/codes.js';
import type { ClosingFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { type Carrier, type Connection, closingFrame } from '../core/connection.js';
import { Frame, type Framing } from '../core/frame.js';
import type { Session } from '../core/session.js';
import { decodeJson, decodeOpen } from './decode.js';
import { receiveText } from './inbound.js';
import { opening } from './opening.js';
import { SocketWriter } from './socket-writer.js';
import type { TransportParts } from './transport-parts.js';

declare module 'ws' {
  /** Exported by the library, and not yet by its types. */
  const Sender: { frame(data: Buffer, options: object): Buffer[] };
}

/** A frame of ours needs one fragment; a proxy may make some more. Each costs memory beyond its bytes. */
const MAX_FRAGMENTS = 64;
/** Chunks of the network that one message may come in. */
const MAX_CHUNKS = 1_024;
const TEXT = 1;
const PONG = 10;

/** One complete, unmasked WebSocket message. `Sender.frame` gives header and payload. */
function wrap(payload: Buffer, opcode: number): Buffer {
  return Buffer.concat(
    Sender.frame(payload, { fin: true, opcode, mask: false, readOnly: true, rsv1: false }),
  );
}

/** How frames go into WebSocket messages. */
export const websocketFraming: Framing = {
  slot: 0,
  encode: (text) => wrap(Buffer.from(text), TEXT),
};

/** Takes upgrades. */
export class WebSocketTransport {
  readonly #parts: TransportParts;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: LIMITS.openBytes,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_CHUNKS,
  });

  constructor(parts: TransportParts) {
    this.#parts = parts;
  }

  /** Completes the handshake and waits for the first frame. The request has been checked. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const address = this.#parts.addressOf(request);
      new WebSocketCarrier(this.#parts, { webSocket, socket, address }).listen();
    });
  }

  /** Takes no more. */
  stop(): void {
    this.#server.close();
  }
}

interface Ends {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  readonly address: string;
}

class WebSocketCarrier implements Carrier {
  readonly framing = websocketFraming;
  readonly transport = 'websocket';
  readonly isPolled = false;
  readonly isBlocked = false;
  readonly isPinged = true;
  readonly isRaw = false;
  readonly address: string;
  readonly #parts: TransportParts;
  readonly #webSocket: WebSocket;
  readonly #writer: SocketWriter;
  #opened: { readonly session: Session; readonly connection: Connection } | null = null;

  constructor(parts: TransportParts, { webSocket, socket, address }: Ends) {
    this.#parts = parts;
    this.#webSocket = webSocket;
    this.address = address;
    this.#writer = new SocketWriter(socket, () => this.#opened?.connection.outbox.unblock());
  }

  /** Takes what the client sends, from its first frame on. */
  listen(): void {
    const webSocket = this.#webSocket;
    const waiting = this.#parts.wheel.after(LIMITS.openMs, () => {
      if (this.#opened === null) this.#refuse(closingFrame('open_timeout'));
    });
    webSocket.on('message', (data, isBinary) => {
      if (isBinary) return this.#closeAs(1003, 'Frames are text.');
      const text = String(data);
      if (this.#opened === null) this.#open(text);
      else receiveText(this.#parts.sessions, this.#opened.session, this.#opened.connection, text);
    });
    webSocket.on('ping', (data: Buffer) => this.#pong(data));
    webSocket.on('close', () => {
      waiting.cancel();
      this.#opened?.connection.lost();
    });
    // A protocol error closes the socket with the right code by itself; 'close' follows.
    webSocket.on('error', (error) => this.#parts.log.debug({ error: String(error) }, 'a WebSocket failed'));
  }

  write(bytes: Buffer): boolean {
    return this.#writer.write(bytes);
  }

  bytesTaken(): number {
    return this.#writer.taken;
  }

  keepAlive(): void {
    // It is pinged.
  }

  end(closing: ClosingFrame): void {
    this.#writer.finish();
    // A stalled socket takes no close frame either.
    if (closing.code === CLOSE_CODES.stalled) this.#webSocket.terminate();
    else this.#webSocket.close(closing.code, closing.message);
  }

  /** Closes with a code of RFC 6455; nothing that still comes is taken. */
  #closeAs(code: number, reason: string): void {
    this.#opened?.connection.lost();
    this.#writer.finish();
    this.#webSocket.close(code, reason);
  }

  #open(text: string): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    const json = decodeJson(text);
    const decoded = 'error' in json ? json : decodeOpen(json.value);
    const outcome = opening(this.#parts, decoded, this);
    if ('closing' in outcome) {
      this.#send({ type: 'error', ...outcome.error });
      this.#refuse(outcome.closing);
    } else this.#opened = outcome;
  }

  #refuse(closing: ClosingFrame): void {
    this.#send(closing);
    this.end(closing);
  }

  #send(control: Parameters<typeof Frame.of>[0]): void {
    this.#writer.write(Frame.of(control).encoded(this.framing));
  }

  /** Through the outbox, since the library's sender must not write between our bytes. */
  #pong(data: Buffer): void {
    this.#opened?.connection.outbox.add(Frame.ofBytes(this.framing, wrap(data, PONG)));
  }
}
