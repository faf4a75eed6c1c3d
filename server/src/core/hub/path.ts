/** One path: its log and state, the sessions subscribed to it, and the other receivers connected to it. */
import type { PathLog } from '../log/path-log.js';
import type { PathStore } from '../log/path-policy.js';
import type { PathState } from '../log/path-state.js';
import type { Update } from '../log/update.js';
import { type OnReceiverFault, type Receiver, tell } from './receiver.js';

/** Hears the updates of a path for one client. */
export interface PathListener {
  /** Its index among the path's listeners; kept by the path. */
  index: number;
  /** Takes one update, and returns whether it was enqueued. The hot path: no allocation. */
  deliver(update: Update): boolean;
  /** Sends a snapshot of the state if the client follows it. */
  sendSnapshot(): void;
}

/** A path that somebody is connected to. */
export class Path {
  readonly name: string;
  /** Null when the path's policy keeps no log. */
  readonly log: PathLog | null;
  /** Null when the path's policy keeps no state. */
  readonly state: PathState | null;
  /** Whether slow readers skip what newer updates replace. */
  readonly isSkipped: boolean;
  readonly #listeners: PathListener[] = [];
  readonly #receivers = new Map<string, Receiver>();

  constructor(name: string, store: PathStore | null) {
    this.name = name;
    this.log = store?.log ?? null;
    this.state = store?.state ?? null;
    this.isSkipped = store?.slow === 'latest';
  }

  /** Sessions subscribed to it. */
  get subscriptions(): number {
    return this.#listeners.length;
  }

  /** Whether nobody is connected to it. */
  get isEmpty(): boolean {
    return this.#listeners.length === 0 && this.#receivers.size === 0;
  }

  /** Adds a session's subscription. */
  subscribe(listener: PathListener): void {
    listener.index = this.#listeners.push(listener) - 1;
  }

  /** Removes a subscription; the last one takes its place. */
  unsubscribe(listener: PathListener): void {
    const last = this.#listeners.pop();
    if (last === undefined || last === listener) return;
    this.#listeners[listener.index] = last;
    last.index = listener.index;
  }

  /** Sends a snapshot to all that follow the state. */
  sendSnapshots(): void {
    for (const listener of [...this.#listeners]) listener.sendSnapshot();
  }

  /** Connects a receiver that is not a session. */
  connect(receiver: Receiver): void {
    this.#receivers.set(receiver.id, receiver);
  }

  /** Disconnects such a receiver. */
  disconnect(id: string): void {
    this.#receivers.delete(id);
  }

  /** Hands an update to everybody connected; answers how many sessions it was enqueued for. */
  deliver(update: Update, onFault: OnReceiverFault): number {
    const listeners = this.#listeners;
    let delivered = 0;
    for (let i = 0; i < listeners.length; i++) {
      if ((listeners[i] as PathListener).deliver(update)) delivered++;
    }
    if (this.#receivers.size > 0) this.#tellReceivers(update, onFault);
    return delivered;
  }

  #tellReceivers(update: Update, onFault: OnReceiverFault): void {
    for (const receiver of [...this.#receivers.values()]) {
      if (receiver.id === update.sender) continue;
      tell(receiver, [update.sender, update.path, update.message, update], onFault);
    }
  }
}
