/** Options that all transports share. */
import type { IncomingMessage } from 'node:http';
import type { ClientInfo } from '../core/access/identity.js';
import type { TicketSigner } from '../core/access/ticket.js';
import type { Sessions } from '../core/sessions/sessions.js';
import type { TimerWheel } from '../core/time/timer-wheel.js';
import type { FrameRate } from '../core/wire/frame-rate.js';
import type { SocketTable } from '../core/wire/socket-table.js';
import type { Log } from '../observe/log.js';
import type { Probes } from './probes.js';

/** The parts of the server that transports use. */
export interface TransportOptions {
  readonly sessions: Sessions;
  readonly tickets: TicketSigner;
  readonly wheel: TimerWheel;
  readonly probes: Probes;
  readonly sockets: SocketTable;
  /** Bounds the frames of each connection. */
  readonly frameRate: FrameRate;
  readonly log: Log;
  readonly sessionTtlMs: number;
  readonly pollHoldMs: number;
  /** Returns whether every client may hear a path. */
  readonly isPublic: (path: string) => boolean;
  /** Returns whether the server refuses new connections. */
  readonly isStopping: () => boolean;
  /** Returns a client as the back end sees it; null when the back end is not asked. */
  readonly clientInfoOf: (request: IncomingMessage) => ClientInfo | null;
  /** Returns the client's address, seen through trusted proxies. */
  readonly addressOf: (request: IncomingMessage) => string;
}
