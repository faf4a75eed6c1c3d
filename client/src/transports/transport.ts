/**
 * The one interface behind which the three transports stand. A transport carries frames and knows
 * nothing of sessions, subscriptions or reconnecting.
 *
 * Contract: `open` is called once and returns at once. Where `isProbe` is set the transport first proves
 * that it carries frames both ways (docs/protocol.md, "Probes"). It asks `firstFrame()` when it can
 * send, so that all that is wanted by then travels with it; hands over every frame in order; calls
 * `ended` at most once, after which it calls nothing. After `close` it calls nothing either. It never
 * calls back from within `open` (but for the first frame), `send` or `close`.
 */
import { isObject } from '../checks.js';
import type { Clock } from '../clock.js';

/** Why a transport has ended. */
export interface TransportEnd {
  /** For people. */
  readonly message: string;
  /** The close code, where one was told. */
  readonly code?: number | undefined;
  /** With `taken_over`: the attempt that has the session now. */
  readonly attempt?: number | undefined;
  /** The code of the error that Dobby answered: then the transport is not what failed. */
  readonly error?: string | undefined;
  /** The earliest time to come back, in milliseconds from now. */
  readonly reconnectAfterMs?: number | undefined;
  /** Nothing came any more, though the connection was open. */
  readonly isSilent?: boolean | undefined;
  /** What others threw, where that is behind it. */
  readonly cause?: unknown;
}

/** What a message to Dobby over HTTP must name. */
export interface Credentials {
  readonly ticket: string;
  readonly connection: number;
}

/** The constructor of WebSockets: that of browsers, of Node 22, or of the package `ws`. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

/** The part of a WebSocket that Pomona uses. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

/** What a transport works with. */
export interface Environment {
  /** The address of Dobby's endpoint, `http:` or `https:`. */
  readonly httpUrl: string;
  /** The same address, `ws:` or `wss:`. */
  readonly socketUrl: string;
  readonly fetch: typeof fetch;
  readonly WebSocket: WebSocketConstructor | undefined;
  readonly credentials: RequestCredentials;
  readonly clock: Clock;
  readonly random: () => number;
}

/** What a transport tells and asks. */
export interface TransportContext extends Environment {
  /** Whether the transport is to prove itself before it asks for the first frame: another one works meanwhile. */
  readonly isProbe: boolean;
  /** The `open` frame as JSON; asked once, when it can be sent. */
  firstFrame(): string;
  /** The newest ticket and the number of this connection; valid after the first frame came. */
  session(): Credentials;
  /** Something came that is no frame: a comment, an empty answer. */
  heard(): void;
  /** One parsed frame came, unchecked. */
  frame(value: unknown): void;
  /** Upstream frames up to `n` took effect. */
  accepted(n: number): void;
  /** It is over. */
  ended(end: TransportEnd): void;
}

/** An open, or opening, transport. */
export interface Transport {
  /** Sends encoded frames in this order. */
  send(frames: readonly string[]): void;
  /** Ends at once and silently; with `farewell` (only of a session that is open) the session ends too. */
  close(farewell: boolean): void;
}

/** One way to reach Dobby. */
export interface TransportKind {
  readonly name: string;
  /** Whether it can be tried here; by default it can. */
  isAvailable?(environment: Environment): boolean;
  open(context: TransportContext): Transport;
}

/** The frame of a step of a probe. */
export const probeFrame = (step: 1 | 2): string => `{"type":"probe","step":${step}}`;

/** Whether a parsed frame answers a step of a probe. */
export function isProbed(value: unknown, step: 1 | 2): boolean {
  return isObject(value) && value['type'] === 'probed' && value['step'] === step;
}

/** The frame that ends a session for good. */
export const FAREWELL = '{"type":"close"}';
