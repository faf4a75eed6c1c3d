/** Puts what the HTTP server accepts into the table of sockets, within the descriptors that this process may open. */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { RESERVED_DESCRIPTORS, SocketTable } from '../core/wire/socket-table.js';
import type { Log } from '../observe/log.js';

/** At least so many sockets, however few descriptors there are. */
const LEAST_SOCKETS = 16;
/** A full table is logged once in this time, in milliseconds. */
const WARN_EVERY_MS = 60_000;
/** Accepted beyond the table for the moment in which another one is ended. */
const OVERSHOOT = 8;

/** What the table of a server stands on. */
export interface AcceptedSocketsOptions {
  readonly server: Server;
  readonly log: Log;
  /** Connections to the back end at a time. */
  readonly backEndConnections: number;
  /** Whether many clients may have an address. */
  readonly isShared: (address: string) => boolean;
  /** Descriptors that the process may open, by default what the system says. */
  readonly openFiles?: number;
}

/** Returns the table of all sockets that the server will accept. */
export function acceptedSockets(options: AcceptedSocketsOptions): SocketTable {
  const { server, isShared, openFiles = openFileLimit() } = options;
  const max = Math.max(LEAST_SOCKETS, openFiles - RESERVED_DESCRIPTORS - options.backEndConnections);
  const table = new SocketTable(max, warner(options.log, max));
  if (Number.isFinite(max)) server.maxConnections = max + OVERSHOOT;
  // One for all sockets: a closure for each would cost memory.
  function forget(this: Socket): void {
    table.closed(this);
  }
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    table.accepted(socket, isShared(address) ? null : address);
    socket.on('close', forget);
  });
  return table;
}

/** Returns how many descriptors this process may open; infinite where that cannot be known. */
export function openFileLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return reportedLimit();
  }
}

/** Systems without /proc. */
function reportedLimit(): number {
  const report = process.report?.getReport() as
    | { userLimits?: { open_files?: { soft?: number | string } } }
    | undefined;
  const soft = Number(report?.userLimits?.open_files?.soft);
  return Number.isFinite(soft) ? soft : Number.POSITIVE_INFINITY;
}

function warner(log: Log, max: number): () => void {
  let warnedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - warnedAt < WARN_EVERY_MS) return;
    warnedAt = now;
    log.warn(
      { max },
      'there are as many sockets as there may be: those without a session are ended for new ones. A higher "ulimit -n" allows more',
    );
  };
}
