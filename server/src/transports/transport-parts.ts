/** What the transports are given. */
import type { IncomingMessage } from 'node:http';
import type { Visitor } from '../core/identity.js';
import type { Intake } from '../core/intake.js';
import type { Sessions } from '../core/sessions.js';
import type { SocketTable } from '../core/socket-table.js';
import type { TicketOffice } from '../core/ticket.js';
import type { TimerWheel } from '../core/timer-wheel.js';
import type { Log } from '../observe/log.js';
import type { Probes } from './probes.js';

/** The parts of the server that a transport stands on. */
export interface TransportParts {
  readonly sessions: Sessions;
  readonly tickets: TicketOffice;
  readonly wheel: TimerWheel;
  readonly probes: Probes;
  /** The sockets that were accepted. */
  readonly sockets: SocketTable;
  /** Counts what connections send. */
  readonly intake: Intake;
  readonly log: Log;
  readonly sessionTtlMs: number;
  readonly pollHoldMs: number;
  /** Whether everybody may hear a path. */
  readonly isPublic: (path: string) => boolean;
  /** Whether the server takes no new connections any more. */
  readonly isStopping: () => boolean;
  /** What a back end is told of a client that opens a connection; null where nobody need be asked. */
  readonly visitorOf: (request: IncomingMessage) => Visitor | null;
  /** The client's address, seen through trusted proxies. */
  readonly addressOf: (request: IncomingMessage) => string;
}
