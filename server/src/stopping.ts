/**
 * Stops a server in order: waits a moment for running calls, writes the handoff, asks the clients to come back to the
 * next server, and closes everything.
 */
import type { Assembly } from './assembly.js';
import type { Sessions } from './core/sessions/sessions.js';
import { systemClock } from './core/time/clock.js';
import { type HandoffStore, loadingMs } from './stores/handoff/handoff-store.js';
import type { Endpoint } from './transports/endpoint.js';

/** The earliest time for clients to come back: a restarted server needs this long. */
const RESTART_MS = 1_000;
/** Sockets get this long to take their last bytes, and requests to be answered. */
const STOP_GRACE_MS = 500;
/** How often the sockets are checked for bytes that they have not taken. */
const DRAIN_LOOK_MS = 10;
/** The handoff ends this long after the beginning of the stop, which is to take less than 2 s. */
const HANDOFF_MS = 1_100;
/** Reserved for closing each connection, of at most half the time: clients come back, a lost state does not. */
const MS_PER_CLOSING = 0.02;
/** Connections that are closed before other tasks have their turn. */
const CLOSINGS_A_TURN = 200;
/** Sockets are awaited until so long after the beginning of the stop. */
const DRAINED_MS = 1_600;

/** What a stop must know of the start. */
export interface Started {
  /** Returns null when nothing was restored: then the next server restores the last handoff. */
  readonly handoff: () => HandoffStore | null;
  /** The start, if it is still under way. */
  readonly starting: Promise<unknown> | null;
}

export async function stopInOrder(parts: Assembly, { handoff, starting }: Started): Promise<void> {
  const { engine, endpoint, app, api, broker, wheel, journal, authProviders } = parts;
  const { publisher, sessions } = engine;
  const { features } = sessions;
  const startedAt = systemClock.monotonic();
  const bytes = broker.totalBytes + broker.stateBytes;
  sessions.freeze(RESTART_MS + loadingMs(bytes, engine.counters.subscriptions));
  // No timer ends a session or evicts anything from now on.
  wheel.stop();
  const over = new Promise<void>((resolve) => systemClock.after(STOP_GRACE_MS, resolve));
  // A port that is being opened can be closed only then. Modules may load for ever, and open no port afterwards.
  await Promise.race([Promise.allSettled([starting]), over]);
  await Promise.race([Promise.all([api.settled(), features.settled()]), over]);
  publisher.stop();
  features.freeze();
  // Before disconnecting thousands of clients, which takes a while. The port is kept, so that its next owner finds the
  // handoff complete.
  const closingMs = Math.min(MS_PER_CLOSING * sessions.connections, HANDOFF_MS / 2);
  await handoff()?.write(startedAt + HANDOFF_MS - closingMs);
  await sendAway(sessions, startedAt + DRAINED_MS);
  await drained(endpoint, Math.min(systemClock.monotonic() + STOP_GRACE_MS, startedAt + DRAINED_MS));
  endpoint.stop();
  await app.close();
  await features.stop();
  await authProviders.stop();
  broker.stop();
  wheel.stop();
  await journal.close();
}

/** Disconnects all clients; a second signal and the deadline are noticed in between. */
async function sendAway(sessions: Sessions, deadline: number): Promise<void> {
  while (sessions.sendAway(CLOSINGS_A_TURN) && systemClock.monotonic() < deadline) {
    await new Promise(setImmediate);
  }
}

async function drained(endpoint: Endpoint, deadline: number): Promise<void> {
  while (!endpoint.isDrained && systemClock.monotonic() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
  }
}
