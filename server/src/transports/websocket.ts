/**
 * WebSocket connections. `ws` does the handshake and reads. Dobby frames what it sends once for all connections and
 * writes it to the socket itself; the library's sender writes only the close frame. One frame of the protocol is one
 * text message; there is no compression.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { CLOSE_CODES, errorBody } from '../../../protocol/codes.js';
import type { ClosingFrame, OpenFrame, ProbeFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import type { ClientInfo } from '../core/access/identity.js';
import { type Carrier, closingFrame } from '../core/session/connection.js';
import type { SessionConnection } from '../core/session/session.js';
import type { WheelTimer } from '../core/time/timer-wheel.js';
import { Frame } from '../core/wire/frame.js';
import { type Counted, FLOOD_PAUSE_MS } from '../core/wire/frame-rate.js';
import { type Decoded, decodeJson, decodeOpen } from './decode.js';
import { receiveText } from './inbound.js';
import { type Opened, opening } from './opening.js';
import { SocketWriter, type Writing } from './socket-writer.js';
import type { TransportOptions } from './transport-options.js';
import { PONG, websocketFraming, wrap } from './websocket-framing.js';

/** A client's frame needs one fragment; a proxy may make a few more. Each costs memory beyond its bytes. */
export const MAX_FRAGMENTS = 64;
/** The most network chunks of one message. */
export const MAX_CHUNKS = 1_024;
/** Bytes that are parsed between two checks of the connection's turn. */
const FED_BYTES = 4_096;
/** How long a client may take to read the end of an open connection, and of a refused one, in milliseconds. */
const END_GRACE_MS = 5_000;
const REFUSED_GRACE_MS = 1_000;
/** A WebSocket that knows its carrier. */
class CarriedSocket extends WebSocket {
  declare carrier: WebSocketCarrier;
  /** The library's parser, and whether a close frame has come: there is no public way to parse piece by piece. */
  declare readonly _receiver: Writable;
  declare readonly _closeFrameReceived: boolean;
}

/** A socket that knows the carrier of its WebSocket. */
const CARRIER = Symbol('carrier');
type CarryingSocket = Socket & { [CARRIER]?: WebSocketCarrier };

/** Replaces the library's listener, which parses all read bytes at once. */
function feed(this: CarryingSocket, bytes: Buffer): void {
  this[CARRIER]?.feed(bytes);
}

/** Listeners of all WebSockets: a closure for each event would be a tenth of an idle session's memory. */
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

/** Takes WebSocket handshakes. */
export class WebSocketTransport {
  readonly #options: TransportOptions;
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

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Completes the handshake and waits for the first frame. The request has been checked. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const address = this.#options.addressOf(request);
      const visitor = this.#options.clientInfoOf(request);
      webSocket.carrier = new WebSocketCarrier(this.#options, { webSocket, socket, address, visitor });
      webSocket.carrier.listen();
    });
  }

  /** Refuses handshakes from now on. */
  stop(): void {
    this.#server.close();
  }
}

interface Ends {
  readonly webSocket: CarriedSocket;
  readonly socket: Socket;
  readonly address: string;
  readonly visitor: ClientInfo | null;
}

class WebSocketCarrier implements Carrier, Counted, Writing {
  readonly framing = websocketFraming;
  readonly transport = 'websocket';
  readonly isPolled = false;
  readonly isBlocked = false;
  readonly isPinged = true;
  readonly isRaw = false;
  readonly address: string;
  readonly #options: TransportOptions;
  readonly #webSocket: CarriedSocket;
  readonly #writer: SocketWriter;
  #connection: SessionConnection | null = null;
  /** The timeout of the first frame. */
  #waiting: WheelTimer | null = null;
  /** A probe before the first frame; most connections have none. */
  #probe: { readonly end: () => void; cancel: () => void } | null = null;
  /** The client until its first frame: headers are not kept longer. */
  #visitor: ClientInfo | null;
  /** Frames that came during the authentication; null at other times. */
  #early: { readonly frames: string[]; characters: number } | null = null;
  /** Bytes beyond the connection's turn, while its socket is paused; null at other times. */
  #rest: Buffer | null = null;
  /** Counters of `FrameRate`. */
  turn = -1;
  turnCost = 0;
  window = -1;
  windowFrames = 0;
  /** Whether reading has stopped, since the client floods. */
  #isDeaf = false;
  /** Whether later frames are ignored. */
  #isOver = false;

  constructor(options: TransportOptions, { webSocket, socket, address, visitor }: Ends) {
    this.#visitor = visitor;
    this.#options = options;
    this.#webSocket = webSocket;
    this.address = address;
    this.#writer = new SocketWriter(socket, this);
    socket.removeAllListeners('data');
    (socket as CarryingSocket)[CARRIER] = this;
    socket.on('data', feed);
  }

  /** Listens to the client, from its first frame on. */
  listen(): void {
    this.#waiting = this.#options.wheel.after(LIMITS.openMs, () =>
      this.#refuse(closingFrame('open_timeout')),
    );
    this.#webSocket.on('message', LISTENERS.message);
    this.#webSocket.on('ping', LISTENERS.ping);
    this.#webSocket.on('pong', LISTENERS.pong);
    this.#webSocket.on('close', LISTENERS.close);
    this.#webSocket.on('error', LISTENERS.error);
  }

  /** Takes a message. */
  receive(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    if (isBinary) return this.#closeAs(1003, 'Frames are text.');
    const text = String(data);
    if (!this.counts(text.length)) return;
    if (this.#early !== null) this.#keep(text, this.#early);
    else if (this.#connection === null) this.#open(text);
    else this.#receive(text, this.#connection);
  }

  /** Counts a protocol or WebSocket frame; returns false when it exceeds the bound, or frames are ignored. */
  counts(characters = 0): boolean {
    const { frameRate } = this.#options;
    if (this.#isDeaf) return false;
    frameRate.spends(this, characters);
    if (frameRate.takes(this, 1)) return true;
    const closing = closingFrame('flooded', { reconnectAfterMs: FLOOD_PAUSE_MS });
    if (this.#connection?.isClosed === false) this.#connection.close(closing);
    else this.end(closing);
    return false;
  }

  /** Answers a WebSocket ping through the outbox, since the library must not write between our bytes. */
  pong(data: Buffer): void {
    if (!this.counts()) return;
    this.#connection?.outbox.add(Frame.ofBytes(this.framing, wrap(data, PONG)));
  }

  /** Notes that the WebSocket has closed. */
  lost(): void {
    this.#waiting?.cancel();
    this.#endProbe();
    this.#connection?.lost();
  }

  /** Logs a protocol error, after which the library closes the socket; `close` follows. */
  failed(error: Error): void {
    this.#options.log.debug({ error: String(error) }, 'a WebSocket failed');
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
    // It gets pings instead.
  }

  end(closing: ClosingFrame): void {
    this.#writer.finish();
    // A stalled socket does not take a close frame either.
    if (closing.code === CLOSE_CODES.stalled) return this.#webSocket.terminate();
    this.#webSocket.close(closing.code, closing.message);
    this.#endSoon(closing.code === CLOSE_CODES.flooded);
  }

  /** Ends the socket after a while, whatever its client does; stops reading a flood. */
  #endSoon(isFlooding: boolean): void {
    const isOpen = this.#connection !== null && !isFlooding;
    if (isFlooding) {
      this.#isDeaf = true;
      this.#rest = null;
      this.#webSocket.pause();
    }
    const grace = this.#options.wheel.after(isOpen ? END_GRACE_MS : REFUSED_GRACE_MS, () =>
      this.#webSocket.terminate(),
    );
    this.#webSocket.once('close', () => grace.cancel());
  }

  /** Closes with a code of RFC 6455; later frames are ignored. */
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
    const decoded = 'error' in json ? json : decodeOpen(json.value, this.#options.sessions.features.frames);
    if ('value' in decoded && decoded.value.type === 'probe') return this.#answerProbe(decoded.value);
    this.#endProbe();
    const visitor = this.#visitor;
    this.#visitor = null;
    this.#waiting?.cancel();
    this.#waiting = null;
    const isGone = (): boolean => this.#webSocket.readyState !== this.#webSocket.OPEN;
    const outcome = opening(this.#options, decoded as Decoded<OpenFrame>, this, { visitor, isGone });
    if (!(outcome instanceof Promise)) return this.#opened(outcome);
    this.#early = { frames: [], characters: 0 };
    void outcome.then((told) => {
      const { frames = [] } = this.#early ?? {};
      this.#early = null;
      this.#opened(told);
      for (const frame of frames) if (this.#connection !== null) this.#receive(frame, this.#connection);
    });
  }

  /** Answers a step of a probe. The first one counts the probe and extends the timeout; each replaces the last. */
  #answerProbe(frame: ProbeFrame): void {
    if (this.#probe === null) {
      const end = this.#options.probes.begin(this.address);
      if (end === null) return this.#refuseProbe();
      this.#probe = { end, cancel: () => undefined };
      this.#waiting?.cancel();
      this.#waiting = this.#options.wheel.after(LIMITS.probeMs, () =>
        this.#refuse(closingFrame('open_timeout')),
      );
    }
    this.#probe.cancel();
    this.#probe.cancel = this.#options.probes.answer(frame, (answer) => this.#send(answer));
  }

  #refuseProbe(): void {
    this.#send({ type: 'error', ...errorBody('too_many_probes') });
    this.#refuse(closingFrame('busy', { error: 'too_many_probes' }));
  }

  #endProbe(): void {
    this.#probe?.cancel();
    this.#probe?.end();
    this.#probe = null;
  }

  /** Keeps a few frames that came during the authentication. */
  #keep(text: string, early: { readonly frames: string[]; characters: number }): void {
    early.frames.push(text);
    early.characters += text.length;
    if (early.frames.length <= LIMITS.framesPerPost && early.characters <= LIMITS.openBytes) return;
    early.frames.length = 0;
    this.#closeAs(1008, 'Too many frames before "opened".');
  }

  #receive(text: string, connection: SessionConnection): void {
    if (connection.isClosed) return;
    receiveText(this.#options.sessions, connection.owner, connection, text);
  }

  /** Parses bytes within the connection's turn, and the rest in later turns, while the socket is paused. */
  feed(bytes: Buffer): void {
    if (this.#isDeaf) return;
    if (this.#rest !== null) this.#rest = Buffer.concat([this.#rest, bytes]);
    else this.#read(bytes);
  }

  #read(bytes: Buffer): void {
    const { frameRate } = this.#options;
    const webSocket = this.#webSocket;
    for (let at = 0; at < bytes.length; at += FED_BYTES) {
      if (!frameRate.hasTurn(this)) {
        this.#rest = bytes.subarray(at);
        webSocket.pause();
        return frameRate.turns.next(() => this.#readOn());
      }
      // After a failure or a close frame nothing may follow.
      if (this.#isDeaf || webSocket._closeFrameReceived || !webSocket._receiver.writable) return;
      webSocket._receiver.write(bytes.length <= FED_BYTES ? bytes : bytes.subarray(at, at + FED_BYTES));
    }
  }

  #readOn(): void {
    const rest = this.#rest;
    this.#rest = null;
    if (rest !== null && !this.#isDeaf) this.#read(rest);
    if (this.#rest === null && !this.#isDeaf) this.#webSocket.resume();
  }

  #opened(outcome: Opened): void {
    if ('closing' in outcome) {
      this.#send({ type: 'error', ...outcome.error });
      this.#refuse(outcome.closing);
      return;
    }
    this.#connection = outcome.connection;
    this.#options.sockets.proves(this.#writer.socket, 'client');
  }

  #refuse(closing: ClosingFrame): void {
    this.#send(closing);
    this.end(closing);
  }

  #send(control: Parameters<typeof Frame.of>[0]): void {
    this.#writer.write(Frame.of(control).encoded(this.framing));
  }
}
