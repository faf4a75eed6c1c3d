/** Core put together: what every transport, gateway and API acts on. It does no I/O. */
import type { Broker } from './broker.js';
import type { Clock, IdSource } from './clock.js';
import { type Counters, newCounters } from './counters.js';
import { Dispatcher } from './dispatcher.js';
import { Flusher } from './flusher.js';
import type { Authority } from './identity.js';
import { Messenger } from './messenger.js';
import { Publisher } from './publisher.js';
import type { OnReceiverFault } from './receiver.js';
import { Registry } from './registry.js';
import type { Revocations } from './revocations.js';
import type { SessionObserver } from './session-observer.js';
import type { SessionSettings } from './session-settings.js';
import { Sessions } from './sessions.js';
import type { TicketOffice } from './ticket.js';
import type { TimerWheel } from './timer-wheel.js';

/** What core is given. */
export interface EngineParts {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly wheel: TimerWheel;
  readonly broker: Broker;
  readonly tickets: TicketOffice;
  readonly revocations: Revocations;
  readonly authority: Authority;
  readonly isPublic: (path: string) => boolean;
  readonly settings: SessionSettings;
  /** Whether many clients may have an address, as that of a proxy that does not tell its clients'. */
  readonly isShared: (address: string) => boolean;
  readonly onReceiverFault: OnReceiverFault;
  readonly onJournalFault: (error: unknown) => void;
  /** Told what happens to sessions. */
  readonly observer?: SessionObserver;
}

/** The numbers of a running core. */
export interface EngineInfo extends Counters {
  readonly sessions: number;
  readonly connections: number;
  readonly paths: number;
}

/** The running core. */
export interface Engine {
  readonly registry: Registry;
  readonly dispatcher: Dispatcher;
  readonly publisher: Publisher;
  readonly sessions: Sessions;
  readonly messenger: Messenger;
  readonly flusher: Flusher;
  readonly counters: Counters;
}

/** What there is now, and what was counted since the start. */
export function engineInfo({
  counters,
  sessions,
  dispatcher,
}: Pick<Engine, 'counters' | 'sessions' | 'dispatcher'>): EngineInfo {
  return {
    sessions: sessions.all.size,
    connections: sessions.connections,
    paths: dispatcher.paths.size,
    ...counters,
  };
}

/** Puts core together. */
export function createEngine(parts: EngineParts): Engine {
  const counters = newCounters();
  const registry = new Registry(parts.onReceiverFault);
  const { broker, onReceiverFault: onFault } = parts;
  const dispatcher = new Dispatcher({ registry, broker, counters, onFault });
  registry.delegate(dispatcher);
  const flusher = new Flusher(parts.clock);
  const publisher = new Publisher({ broker, registry, counters, flusher });
  const sessions = new Sessions({ ...parts, registry, dispatcher, flusher, counters });
  const messenger = new Messenger(sessions, publisher);
  return { registry, dispatcher, publisher, sessions, messenger, flusher, counters };
}
