/** What the transports are given. */
import type { IncomingMessage } from 'node:http';
import type { ClientInfo } from '../core/access/identity.js';
import type { TicketSigner } from '../core/access/ticket.js';
import type { Sessions } from '../core/sessions/sessions.js';
import type { TimerWheel } from '../core/time/timer-wheel.js';
import type { FrameRate } from '../core/wire/frame-rate.js';
import type { SocketTable } from '../core/wire/socket-table.js';
import type { Log } from '../observe/log.js';
import type { Probes } from './probes.js';

/** The parts of the server that a transport stands on. */
export interface TransportOptions {
  readonly sessions: Sessions;
  readonly tickets: TicketSigner;
  readonly wheel: TimerWheel;
  readonly probes: Probes;
  /** The sockets that were accepted. */
  readonly sockets: SocketTable;
  /** Counts what connections send. */
  readonly frameRate: FrameRate;
  readonly log: Log;
  readonly sessionTtlMs: number;
  readonly pollHoldMs: number;
  /** Whether everybody may hear a path. */
  readonly isPublic: (path: string) => boolean;
  /** Whether the server takes no new connections any more. */
  readonly isStopping: () => boolean;
  /** What a back end is told of a client that opens a connection; null where nobody need be asked. */
  readonly clientInfoOf: (request: IncomingMessage) => ClientInfo | null;
  /** The client's address, seen through trusted proxies. */
  readonly addressOf: (request: IncomingMessage) => string;
}
