/**
 * WebSocket connections. `ws` does the handshake and reads; what Dobby sends is framed once for all connections and written to
 * the socket that was given to the handshake, past the library's own sender, which is used only for the close
 * frame at the very end. One frame of the protocol is one text message; there is no compression.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type RawData, Sender, WebSocket, WebSocketServer } from 'ws';
import { CLOSE_CODES } from '../../../protocol/codes.js';
import type { ClosingFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { type Carrier, type Connection, closingFrame } from '../core/connection.js';
import { Frame, type Framing } from '../core/frame.js';
import type { Visitor } from '../core/identity.js';
import { FLOOD_PAUSE_MS } from '../core/intake.js';
import type { WheelTimer } from '../core/timer-wheel.js';
import { decodeJson, decodeOpen } from './decode.js';
import { receiveText } from './inbound.js';
import { type Opened, opening } from './opening.js';
import { SocketWriter, type Writing } from './socket-writer.js';
import type { TransportParts } from './transport-parts.js';

declare module 'ws' {
  /** Exported by the library, and not yet by its types. */
  const Sender: { frame(data: Buffer, options: object): Buffer[] };
}

/** A frame of ours needs one fragment; a proxy may make some more. Each costs memory beyond its bytes. */
const MAX_FRAGMENTS = 64;
/** Chunks of the network that one message may come in. */
const MAX_CHUNKS = 1_024;
/** How long a client may take to read the last of a connection that was open, and of one that was refused, in milliseconds. */
const END_GRACE_MS = 5_000;
const REFUSED_GRACE_MS = 1_000;
const FIN = 0x80;
const TEXT = 1;
const PONG = 10;

/** One complete, unmasked WebSocket message. `Sender.frame` gives header and payload. */
function wrap(payload: Buffer, opcode: number): Buffer {
  return Buffer.concat(
    Sender.frame(payload, { fin: true, opcode, mask: false, readOnly: true, rsv1: false }),
  );
}

/** Bytes before the payload of a message of so many bytes (RFC 6455, 5.2). */
const headerBytes = (length: number): number => (length < 126 ? 2 : length < 65_536 ? 4 : 10);

/** One complete, unmasked text message, put into `bytes` from `at` on. */
function putText(text: string, length: number, bytes: Buffer, at: number): void {
  const start = headerBytes(length);
  bytes[at] = FIN | TEXT;
  if (start === 2) bytes[at + 1] = length;
  else if (start === 4) {
    bytes[at + 1] = 126;
    bytes.writeUInt16BE(length, at + 2);
  } else {
    bytes[at + 1] = 127;
    bytes.writeBigUInt64BE(BigInt(length), at + 2);
  }
  bytes.write(text, at + start);
}

/** How frames go into WebSocket messages. */
export const websocketFraming: Framing = {
  slot: 0,
  encode(text) {
    const length = Buffer.byteLength(text);
    const bytes = Buffer.allocUnsafe(headerBytes(length) + length);
    putText(text, length, bytes, 0);
    return bytes;
  },
  inPlace: {
    size(text) {
      const length = Buffer.byteLength(text);
      return headerBytes(length) + length;
    },
    put(text, bytes, at) {
      putText(text, Buffer.byteLength(text), bytes, at);
    },
  },
};

/** A WebSocket that knows its carrier. */
class CarriedSocket extends WebSocket {
  declare carrier: WebSocketCarrier;
}

/** What listens to WebSockets: shared by all, since a closure for each event of each would be a tenth of what an idle session costs. */
const LISTENERS = {
  message(this: WebSocket, data: RawData, isBinary: boolean): void {
    (this as CarriedSocket).carrier.receive(data, isBinary);
  },
  ping(this: WebSocket, data: Buffer): void {
    (this as CarriedSocket).carrier.pong(data);
  },
  pong(this: WebSocket): void {
    (this as CarriedSocket).carrier.counts();
  },
  close(this: WebSocket): void {
    (this as CarriedSocket).carrier.lost();
  },
  error(this: WebSocket, error: Error): void {
    (this as CarriedSocket).carrier.failed(error);
  },
};

/** Takes upgrades. */
export class WebSocketTransport {
  readonly #parts: TransportParts;
  readonly #server = new WebSocketServer({
    WebSocket: CarriedSocket,
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
      const visitor = this.#parts.visitorOf(request);
      webSocket.carrier = new WebSocketCarrier(this.#parts, { webSocket, socket, address, visitor });
      webSocket.carrier.listen();
    });
  }

  /** Takes no more. */
  stop(): void {
    this.#server.close();
  }
}

interface Ends {
  readonly webSocket: CarriedSocket;
  readonly socket: Socket;
  readonly address: string;
  readonly visitor: Visitor | null;
}

class WebSocketCarrier implements Carrier, Writing {
  readonly framing = websocketFraming;
  readonly transport = 'websocket';
  readonly isPolled = false;
  readonly isBlocked = false;
  readonly isPinged = true;
  readonly isRaw = false;
  readonly address: string;
  readonly #parts: TransportParts;
  readonly #webSocket: CarriedSocket;
  readonly #writer: SocketWriter;
  #connection: Connection | null = null;
  /** Until the first frame has come. */
  #waiting: WheelTimer | null = null;
  /** Who comes, until that frame has come: headers are not kept. */
  #visitor: Visitor | null;
  /** What has come since the first frame, while it is being found out who is asking; null at other times. */
  #early: { readonly frames: string[]; characters: number } | null = null;
  /** What came beyond what the connection may send in one turn, while its socket is paused; null at other times. */
  #held: string[] | null = null;
  /** Whether nothing that still comes is taken. */
  #isOver = false;

  constructor(parts: TransportParts, { webSocket, socket, address, visitor }: Ends) {
    this.#visitor = visitor;
    this.#parts = parts;
    this.#webSocket = webSocket;
    this.address = address;
    this.#writer = new SocketWriter(socket, this);
  }

  /** Takes what the client sends, from its first frame on. */
  listen(): void {
    this.#waiting = this.#parts.wheel.after(LIMITS.openMs, () => this.#refuse(closingFrame('open_timeout')));
    this.#webSocket.on('message', LISTENERS.message);
    this.#webSocket.on('ping', LISTENERS.ping);
    this.#webSocket.on('pong', LISTENERS.pong);
    this.#webSocket.on('close', LISTENERS.close);
    this.#webSocket.on('error', LISTENERS.error);
  }

  /** A message has come. */
  receive(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    if (isBinary) return this.#closeAs(1003, 'Frames are text.');
    const text = String(data);
    if (this.#early !== null) this.#keep(text, this.#early);
    else if (this.#connection === null) this.#open(text);
    else this.#receive(text, this.#connection);
  }

  /** Counts what is no frame of the protocol, and costs as much; false when it is too much. */
  counts(): boolean {
    const connection = this.#connection;
    if (connection === null || connection.isClosed) return !this.#isOver;
    const { intake } = this.#parts;
    if (!intake.takes(connection, 1)) this.#flooded(connection);
    else if (this.#held === null && !intake.hasTurn(connection, 0)) this.#pause();
    return !connection.isClosed;
  }

  /** Answers a ping of the WebSocket itself, through the outbox, since the library's sender must not write between our bytes. */
  pong(data: Buffer): void {
    if (!this.counts()) return;
    this.#connection?.outbox.add(Frame.ofBytes(this.framing, wrap(data, PONG)));
  }

  /** The WebSocket has closed. */
  lost(): void {
    this.#waiting?.cancel();
    this.#connection?.lost();
  }

  /** A protocol error closes the socket with the right code by itself; 'close' follows. */
  failed(error: Error): void {
    this.#parts.log.debug({ error: String(error) }, 'a WebSocket failed');
  }

  drained(): void {
    this.#connection?.outbox.unblock();
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
    if (closing.code === CLOSE_CODES.stalled) return this.#webSocket.terminate();
    this.#webSocket.close(closing.code, closing.message);
    this.#endSoon(closing.code === CLOSE_CODES.flooded);
  }

  /** Sees that the socket goes, whatever its client does; one that floods is not read any more. */
  #endSoon(isFlooding: boolean): void {
    const isOpen = this.#connection !== null && !isFlooding;
    if (isFlooding) this.#webSocket.pause();
    const grace = this.#parts.wheel.after(isOpen ? END_GRACE_MS : REFUSED_GRACE_MS, () =>
      this.#webSocket.terminate(),
    );
    this.#webSocket.once('close', () => grace.cancel());
  }

  /** Closes with a code of RFC 6455; nothing that still comes is taken. */
  #closeAs(code: number, reason: string): void {
    this.#isOver = true;
    this.#connection?.lost();
    this.#writer.finish();
    this.#webSocket.close(code, reason);
    this.#endSoon(false);
  }

  #open(text: string): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    const json = decodeJson(text);
    const decoded = 'error' in json ? json : decodeOpen(json.value);
    const visitor = this.#visitor;
    this.#visitor = null;
    this.#waiting?.cancel();
    this.#waiting = null;
    const isGone = (): boolean => this.#webSocket.readyState !== this.#webSocket.OPEN;
    const outcome = opening(this.#parts, decoded, this, { visitor, isGone });
    if (!(outcome instanceof Promise)) return this.#opened(outcome);
    this.#early = { frames: [], characters: 0 };
    void outcome.then((told) => {
      const { frames = [] } = this.#early ?? {};
      this.#early = null;
      this.#opened(told);
      for (const frame of frames) if (this.#connection !== null) this.#receive(frame, this.#connection);
    });
  }

  /** Frames that did not wait for the answer to the first one: not very many. */
  #keep(text: string, early: { readonly frames: string[]; characters: number }): void {
    early.frames.push(text);
    early.characters += text.length;
    if (early.frames.length <= LIMITS.framesPerPost && early.characters <= LIMITS.openBytes) return;
    early.frames.length = 0;
    this.#closeAs(1008, 'Too many frames before "opened".');
  }

  #receive(text: string, connection: Connection): void {
    const { intake, sessions } = this.#parts;
    if (connection.isClosed) return;
    if (!intake.takes(connection, 1)) return this.#flooded(connection);
    if (this.#held === null && intake.hasTurn(connection, text.length))
      return receiveText(sessions, connection.session, connection, text);
    this.#held ?? this.#pause();
    this.#held?.push(text);
  }

  /** Others have their turn: the socket is read again when what came is done. What it has read already is held. */
  #pause(): void {
    this.#held = [];
    this.#webSocket.pause();
    this.#parts.intake.turns.next(() => this.#goOn());
  }

  #goOn(): void {
    const { intake, sessions } = this.#parts;
    const held = this.#held ?? [];
    const connection = this.#connection;
    let done = 0;
    while (connection !== null && !connection.isClosed && done < held.length) {
      const text = held[done] as string;
      if (!intake.hasTurn(connection, text.length)) break;
      done++;
      receiveText(sessions, connection.session, connection, text);
    }
    if (connection?.isClosed === false && done < held.length) {
      this.#held = held.slice(done);
      return intake.turns.next(() => this.#goOn());
    }
    this.#held = null;
    this.#webSocket.resume();
  }

  #flooded(connection: Connection): void {
    connection.close(closingFrame('flooded', { reconnectAfterMs: FLOOD_PAUSE_MS }));
  }

  #opened(outcome: Opened): void {
    if ('closing' in outcome) {
      this.#send({ type: 'error', ...outcome.error });
      this.#refuse(outcome.closing);
      return;
    }
    this.#connection = outcome.connection;
    this.#parts.sockets.proves(this.#writer.socket, 'client');
  }

  #refuse(closing: ClosingFrame): void {
    this.#send(closing);
    this.end(closing);
  }

  #send(control: Parameters<typeof Frame.of>[0]): void {
    this.#writer.write(Frame.of(control).encoded(this.framing));
  }
}
