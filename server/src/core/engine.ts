/** Assembles core: the parts on which transports, gateways and the API act. Core does no I/O. */

import type { AuthProviders } from './access/identity.js';
import type { RevocationList } from './access/revocation-list.js';
import type { TicketSigner } from './access/ticket.js';
import { type Counters, newCounters } from './data/counters.js';
import { Dispatcher } from './hub/dispatcher.js';
import { Publisher } from './hub/publisher.js';
import type { OnReceiverFault } from './hub/receiver.js';
import { Registry } from './hub/registry.js';
import type { Broker } from './log/broker.js';
import { RetryingBroker } from './log/retrying-broker.js';
import { Operations } from './operations/operations.js';
import type { SessionObserver } from './session/session-observer.js';
import { DirectMessages } from './sessions/direct-messages.js';
import type { SessionSettings } from './sessions/session-settings.js';
import { Sessions } from './sessions/sessions.js';
import type { Clock, IdSource } from './time/clock.js';
import type { TimerWheel } from './time/timer-wheel.js';
import { Flusher } from './wire/flusher.js';

/** Options of `createEngine`. */
export interface EngineOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly wheel: TimerWheel;
  readonly broker: Broker;
  readonly tickets: TicketSigner;
  readonly revocations: RevocationList;
  readonly authProviders: AuthProviders;
  readonly isPublic: (path: string) => boolean;
  readonly settings: SessionSettings;
  /** Returns whether many clients may share an address, such as a proxy's that does not send theirs. */
  readonly isShared: (address: string) => boolean;
  readonly onReceiverFault: OnReceiverFault;
  readonly onJournalFault: (error: unknown) => void;
  /** Called with an error of the broker, after several tries. */
  readonly onStoreFault: (error: unknown) => void;
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
  /** The given broker; its rejected calls are tried again. */
  readonly broker: Broker;
  readonly dispatcher: Dispatcher;
  readonly publisher: Publisher;
  readonly sessions: Sessions;
  readonly directMessages: DirectMessages;
  readonly operations: Operations;
  readonly flusher: Flusher;
  readonly counters: Counters;
}

/** Returns what there is now, and what was counted since the start. */
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

/** Creates core. */
export function createEngine(options: EngineOptions): Engine {
  const counters = newCounters();
  const registry = new Registry(options.onReceiverFault);
  const { wheel, onStoreFault, onReceiverFault: onFault } = options;
  const broker = new RetryingBroker(options.broker);
  const dispatcher = new Dispatcher({ registry, broker, counters, wheel, onFault, onStoreFault });
  registry.delegate(dispatcher);
  const flusher = new Flusher(options.clock);
  const publisher = new Publisher({ broker, registry, counters, flusher, onStoreFault });
  const sessions = new Sessions({ ...options, broker, registry, dispatcher, flusher, counters });
  const directMessages = new DirectMessages(sessions, publisher);
  const shared = { registry, dispatcher, publisher, sessions, directMessages, flusher, counters, broker };
  return { ...shared, operations: new Operations({ ...shared, onStoreFault }) };
}
