/** Assembles core: the parts on which transports, gateways and the API act. Core does no I/O. */
import { AddressGuard } from './access/address-guard.js';
import { ByteBudget } from './data/byte-budget.js';
import { type Counters, newCounters } from './data/counters.js';
import { Dispatcher } from './hub/dispatcher.js';
import { Publisher } from './hub/publisher.js';
import type { OnReceiverFault } from './hub/receiver.js';
import { Registry } from './hub/registry.js';
import { retrying } from './log/retrying-broker.js';
import { Operations } from './operations/operations.js';
import type { CoreContext } from './session/core-context.js';
import { MAX_TOKEN_CHARACTERS } from './session/waiting-paths.js';
import { DirectMessages } from './sessions/direct-messages.js';
import { Sessions } from './sessions/sessions.js';
import { Backlogs } from './wire/backlog.js';
import { Flusher } from './wire/flusher.js';

/** Options of `createEngine`. */
export interface EngineOptions
  extends Pick<
      CoreContext,
      'clock' | 'ids' | 'wheel' | 'broker' | 'tickets' | 'revocations' | 'authProviders'
    >,
    Pick<CoreContext, 'isPublic' | 'settings' | 'onJournalFault' | 'onFeatureFault'> {
  /** Returns whether many clients may share an address, such as a proxy's that does not send theirs. */
  readonly isShared: (address: string) => boolean;
  readonly onReceiverFault: OnReceiverFault;
  /** Called with an error of the broker, after several tries. */
  readonly onStoreFault: (error: unknown) => void;
}

/** The numbers of a running core. */
export interface EngineInfo extends Counters {
  readonly sessions: number;
  readonly connections: number;
  readonly paths: number;
}

/** The running core. Rejected calls of its `broker` are tried again. */
export interface Engine extends CoreContext {
  readonly publisher: Publisher;
  readonly sessions: Sessions;
  readonly directMessages: DirectMessages;
  readonly operations: Operations;
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
  const { clock, wheel, settings, onStoreFault, onReceiverFault: onFault } = options;
  const counters = newCounters();
  const registry = new Registry(onFault);
  const broker = retrying(options.broker);
  const dispatcher = new Dispatcher({ registry, broker, counters, wheel, onFault, onStoreFault });
  registry.delegate(dispatcher);
  const flusher = new Flusher(clock);
  const publisher = new Publisher({ broker, registry, counters, flusher, onStoreFault });
  const context: CoreContext = {
    ...options,
    ...{ counters, registry, broker, dispatcher, flusher },
    backlogs: new Backlogs(),
    guard: new AddressGuard({ clock, isShared: options.isShared, ...settings }),
    tokenBudget: new ByteBudget(MAX_TOKEN_CHARACTERS),
    isFrozen: () => sessions.isFrozen,
  };
  const sessions = new Sessions(context);
  const directMessages = new DirectMessages(sessions, publisher);
  const parts = { ...context, publisher, sessions, directMessages };
  return { ...parts, operations: new Operations({ ...parts, onStoreFault }) };
}
