/**
 * How a server stops: what runs gets a moment, everything is handed over to the next server, everybody is sent away to come back to
 * that one, and then all is closed.
 */
import type { FastifyInstance } from 'fastify';
import type { MountedApi } from './api/http.js';
import type { ConfiguredAuthProviders } from './auth/providers/configured-auth-providers.js';
import type { CommandCenter } from './commands/command-center.js';
import type { Engine } from './core/engine.js';
import type { Sessions } from './core/sessions/sessions.js';
import { systemClock } from './core/time/clock.js';
import type { TimerWheel } from './core/time/timer-wheel.js';
import { type HandoffStore, loadingMs } from './stores/handoff/handoff-store.js';
import type { MemoryBroker } from './stores/memory/memory-broker.js';
import type { Journals } from './stores/revocations/revocation-journal.js';
import type { Endpoint } from './transports/endpoint.js';

/** Nobody is asked to come back sooner: a restarted server needs this long to be there. */
const RESTART_MS = 1_000;
/** Sockets get this long to take their last bytes, and requests to be answered. */
const STOP_GRACE_MS = 500;
/** How often it is looked whether the sockets have taken their last bytes. */
const DRAIN_LOOK_MS = 10;
/** So long after the stop began what has not been handed over is left out: a stop is to take less than 2 s. */
const HANDOFF_MS = 1_100;
/** Kept back for closing connections, each; never more than half of that time, since a client that is cut off comes back and a lost state does not. */
const MS_PER_CLOSING = 0.02;
/** Connections that are closed before others have their turn. */
const CLOSINGS_A_TURN = 200;
/** So long after the stop began nobody is waited for any more. */
const DRAINED_MS = 1_600;

/** What is stopped. */
export interface Stopping {
  readonly engine: Engine;
  readonly commands: CommandCenter;
  readonly endpoint: Endpoint;
  readonly app: FastifyInstance;
  readonly api: MountedApi;
  readonly broker: MemoryBroker;
  readonly wheel: TimerWheel;
  readonly journal: Journals;
  readonly authProviders: ConfiguredAuthProviders;
  /** Null when nothing was taken over: then the next server does that. */
  readonly handoff: () => HandoffStore | null;
  /** The start, when it is still under way. */
  readonly starting: Promise<unknown> | null;
}

/** Stops a server. */
export async function stopInOrder(stopping: Stopping): Promise<void> {
  const { engine, commands, endpoint, app, api, broker, wheel, journal, authProviders } = stopping;
  const { publisher, sessions } = engine;
  const startedAt = systemClock.monotonic();
  const bytes = broker.totalBytes + broker.stateBytes;
  sessions.freeze(RESTART_MS + loadingMs(bytes, engine.counters.subscriptions));
  // No timer ends a session any more, nor evicts anything.
  wheel.stop();
  const over = new Promise<void>((resolve) => systemClock.after(STOP_GRACE_MS, resolve));
  // A port that is being opened can be let go only then; modules that are being loaded may take for ever, and open none afterwards.
  await Promise.race([Promise.allSettled([stopping.starting]), over]);
  await Promise.race([Promise.all([api.settled(), commands.settled()]), over]);
  publisher.stop();
  commands.freeze();
  // Before anybody is sent away, since thousands of closings take a while; and while the port is kept, so that whoever takes it next
  // finds the handoff complete.
  const closingMs = Math.min(MS_PER_CLOSING * sessions.connections, HANDOFF_MS / 2);
  await stopping.handoff()?.write(startedAt + HANDOFF_MS - closingMs);
  await sendAway(sessions, startedAt + DRAINED_MS);
  await drained(endpoint, Math.min(systemClock.monotonic() + STOP_GRACE_MS, startedAt + DRAINED_MS));
  endpoint.stop();
  await app.close();
  await commands.stop();
  await authProviders.stop();
  broker.stop();
  wheel.stop();
  await journal.close();
}

/** A second signal, and the end of the time, are to be noticed in between. */
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
