/**
 * WebSocket connections. `ws` does the handshake and reads. Dobby frames what it sends once for all connections and
 * writes it to the socket itself; the library's sender writes only the close frame. A frame is one text message;
 * there is no compression. What it says is up to the dialect.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { CLOSE_CODES, errorBody } from '../../../protocol/codes.js';
import type { ClosingFrame, OpenFrame, ProbeFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import type { ClientInfo } from '../core/access/identity.js';
import { mapAnswer } from '../core/data/maybe-promise.js';
import { type Carrier, closingFrame } from '../core/session/connection.js';
import type { SessionConnection } from '../core/session/session.js';
import type { WheelTimer } from '../core/time/timer-wheel.js';
import type { Content } from '../core/wire/content.js';
import type { Encoding } from '../core/wire/encoding.js';
import { Frame } from '../core/wire/frame.js';
import { type Counted, FLOOD_PAUSE_MS } from '../core/wire/frame-rate.js';
import { type Decoded, decodeOpen } from './decode.js';
import type { Dialect } from './dialect.js';
import { receiveText } from './inbound.js';
import { type Opened, opening } from './opening.js';
import type { Probe } from './probes.js';
import { SocketWriter, type Writing } from './socket-writer.js';
import type { TransportOptions } from './transport-options.js';
import { PING, pongOf, websocketFraming } from './websocket-framing.js';

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
    (this as CarriedSocket).carrier.ponged();
  },
  close(this: WebSocket): void {
    (this as CarriedSocket).carrier.lost();
  },
  error(this: WebSocket, error: Error): void {
    (this as CarriedSocket).carrier.failed(error);
  },
};

/** What the carriers of one protocol share. */
interface CarrierOptions extends TransportOptions {
  readonly dialect: Dialect;
  readonly encoding: Encoding;
}

/** Takes the WebSocket handshakes of one protocol. */
export class WebSocketTransport {
  readonly #options: CarrierOptions;
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

  constructor(options: TransportOptions, dialect: Dialect) {
    this.#options = { ...options, dialect, encoding: { writer: dialect, framing: websocketFraming } };
  }

  /** Completes the handshake and waits for the first frame. The request has been checked. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.carrier = new WebSocketCarrier(this.#options, webSocket, request);
    });
  }

  /** Refuses handshakes from now on. */
  stop(): void {
    this.#server.close();
  }
}

/** Waits for the first frame. Knows the client until then: headers are not kept longer. */
interface Waiting {
  readonly is: 'waiting';
  readonly visitor: ClientInfo | null;
  timeout: WheelTimer;
  /** A probe before the first frame; most connections have none. */
  probe: Probe | null;
}

/** Keeps the frames that come during the authentication. */
interface Authenticating {
  readonly is: 'authenticating';
  readonly frames: string[];
  characters: number;
}

/** The last state ignores later frames. */
type State =
  | Waiting
  | Authenticating
  | { readonly is: 'open'; readonly connection: SessionConnection }
  | { readonly is: 'over' };

class WebSocketCarrier implements Carrier, Counted, Writing {
  readonly transport = 'websocket';
  readonly isPolled = false;
  readonly isBlocked = false;
  readonly isPinged = true;
  readonly isRaw = false;
  readonly address: string;
  readonly #options: CarrierOptions;
  readonly #webSocket: CarriedSocket;
  readonly #writer: SocketWriter;
  #state: State;
  /** Bytes beyond the connection's turn, while its socket is paused; `ignored`: the client floods. */
  #unread: Buffer | 'ignored' | null = null;
  /** Counters of `FrameRate`. */
  turn = -1;
  turnCost = 0;
  window = -1;
  windowFrames = 0;

  constructor(options: CarrierOptions, webSocket: CarriedSocket, request: IncomingMessage) {
    const { socket } = request;
    const visitor = options.clientInfoOf(request);
    this.#options = options;
    this.#webSocket = webSocket;
    this.address = options.addressOf(request);
    this.#writer = new SocketWriter(socket, this);
    this.#state = { is: 'waiting', visitor, timeout: this.#refuseAfter(LIMITS.openMs), probe: null };
    socket.removeAllListeners('data');
    (socket as CarryingSocket)[CARRIER] = this;
    socket.on('data', feed);
    for (const [event, listener] of Object.entries(LISTENERS)) webSocket.on(event, listener);
  }

  get encoding(): Encoding {
    return this.#options.encoding;
  }

  /** Takes a message. */
  receive(data: RawData, isBinary: boolean): void {
    const text = isBinary ? null : String(data);
    if (!this.counts(text?.length)) return;
    const state = this.#state;
    if (state.is === 'over') return;
    if (text === null) this.end({ code: 1003, message: 'Frames are text.' });
    else if (state.is === 'waiting') this.#open(text, state);
    else if (state.is === 'authenticating') this.#keep(text, state);
    else receiveText(this.#options, state.connection, text);
  }

  /** Counts a protocol or WebSocket frame; returns false when it exceeds the bound, or frames are ignored. */
  counts(characters = 0): boolean {
    const { frameRate } = this.#options;
    if (this.#unread === 'ignored') return false;
    frameRate.spends(this, characters);
    if (frameRate.takes(this, 1)) return true;
    const closing = closingFrame('flooded', { reconnectAfterMs: FLOOD_PAUSE_MS });
    if (this.#connection === null) this.end(closing);
    else this.#connection.close(closing);
    return false;
  }

  /** Takes the pong of WebSocket. */
  ponged(): void {
    if (this.counts() && this.#connection !== null)
      this.#options.sessions.heard(this.#connection.owner, this.#connection);
  }

  /** Answers a WebSocket ping through the outbox, since the library must not write between our bytes. */
  pong(data: Buffer): void {
    if (!this.counts()) return;
    this.#connection?.outbox.add(Frame.ofBytes(this.encoding, pongOf(data)));
  }

  /** Notes that the WebSocket has closed. */
  lost(): void {
    const state = this.#state;
    this.#state = { is: 'over' };
    if (state.is === 'open') state.connection.lost();
    if (state.is === 'waiting') stopWaiting(state);
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

  /** Sends a WebSocket ping, for a dialect without pings. */
  keepAlive(): void {
    this.#connection?.outbox.add(Frame.ofBytes(this.encoding, PING));
  }

  /** Closes the WebSocket, and ends the socket after a while, whatever its client does; stops reading a flood. */
  end({ code, message }: Pick<ClosingFrame, 'code' | 'message'>): void {
    const isFlooding = code === CLOSE_CODES.flooded;
    const graceMs = this.#connection === null || isFlooding ? REFUSED_GRACE_MS : END_GRACE_MS;
    this.lost();
    this.#writer.finish();
    // A stalled socket does not take a close frame either.
    if (code === CLOSE_CODES.stalled) return this.#webSocket.terminate();
    this.#webSocket.close(code, message);
    if (isFlooding) {
      this.#unread = 'ignored';
      this.#webSocket.pause();
    }
    const grace = this.#options.wheel.after(graceMs, () => this.#webSocket.terminate());
    this.#webSocket.once('close', () => grace.cancel());
  }

  get #connection(): SessionConnection | null {
    return this.#state.is === 'open' ? this.#state.connection : null;
  }

  #open(text: string, waiting: Waiting): void {
    // A socket that has died may still hand over what it had read: its `open` must not take a session.
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    const { dialect, sessions } = this.#options;
    const read = dialect.open(text);
    const decoded = 'error' in read ? read : decodeOpen(read.value, sessions.features);
    if ('value' in decoded && decoded.value.type === 'probe')
      return this.#answerProbe(decoded.value, waiting);
    stopWaiting(waiting);
    const { visitor } = waiting;
    this.#state = { is: 'authenticating', frames: [], characters: 0 };
    const isGone = (): boolean => this.#webSocket.readyState !== this.#webSocket.OPEN;
    const outcome = opening(this.#options, decoded as Decoded<OpenFrame>, this, { visitor, isGone });
    void mapAnswer(outcome, (opened) => this.#opened(opened));
  }

  #opened(outcome: Opened): void {
    const state = this.#state;
    // Ended meanwhile.
    if (state.is !== 'authenticating') return;
    if ('closing' in outcome) {
      this.#send({ type: 'error', ...outcome.error });
      return this.#refuse(outcome.closing);
    }
    this.#state = { is: 'open', connection: outcome.connection };
    this.#options.sockets.proves(this.#writer.socket, 'client');
    for (const text of state.frames) receiveText(this.#options, outcome.connection, text);
  }

  /** Answers a step of a probe. The first one counts the probe and extends the timeout. */
  #answerProbe(frame: ProbeFrame, waiting: Waiting): void {
    if (waiting.probe === null) {
      waiting.probe = this.#options.probes.begin(this.address);
      if (waiting.probe === null) return this.#refuseProbe();
      waiting.timeout.cancel();
      waiting.timeout = this.#refuseAfter(LIMITS.probeMs);
    }
    waiting.probe.answer(frame, (answer) => this.#send(answer));
  }

  #refuseProbe(): void {
    this.#send({ type: 'error', ...errorBody('too_many_probes') });
    this.#refuse(closingFrame('busy', { error: 'too_many_probes' }));
  }

  #refuseAfter(ms: number): WheelTimer {
    return this.#options.wheel.after(ms, () => this.#refuse(closingFrame('open_timeout')));
  }

  /** Keeps a few frames that came during the authentication. */
  #keep(text: string, early: Authenticating): void {
    early.frames.push(text);
    early.characters += text.length;
    if (early.frames.length <= LIMITS.framesPerPost && early.characters <= LIMITS.openBytes) return;
    this.end({ code: 1008, message: 'Too many frames before "opened".' });
  }

  /** Parses bytes within the connection's turn, and the rest in later turns, while the socket is paused. */
  feed(bytes: Buffer): void {
    if (this.#unread === null) this.#read(bytes);
    else if (this.#unread !== 'ignored') this.#unread = Buffer.concat([this.#unread, bytes]);
  }

  #read(bytes: Buffer): void {
    const { frameRate } = this.#options;
    const webSocket = this.#webSocket;
    for (let at = 0; at < bytes.length; at += FED_BYTES) {
      if (!frameRate.hasTurn(this)) {
        this.#unread = bytes.subarray(at);
        webSocket.pause();
        return frameRate.turns.next(() => this.#readOn());
      }
      // After a failure or a close frame nothing may follow.
      if (webSocket._closeFrameReceived || !webSocket._receiver.writable) return;
      webSocket._receiver.write(bytes.length <= FED_BYTES ? bytes : bytes.subarray(at, at + FED_BYTES));
      if (this.#unread === 'ignored') return;
    }
  }

  #readOn(): void {
    const rest = this.#unread;
    if (rest === null || rest === 'ignored') return;
    this.#unread = null;
    this.#read(rest);
    if (this.#unread === null) this.#webSocket.resume();
  }

  #refuse(closing: ClosingFrame): void {
    this.#send(closing);
    this.end(closing);
  }

  #send(content: Content): void {
    this.#writer.write(Frame.of(content).encoded(this.encoding));
  }
}

function stopWaiting({ timeout, probe }: Waiting): void {
  timeout.cancel();
  probe?.end();
}
