/** One path: its log and state, the sessions subscribed to it, and the other receivers connected to it. */
import type { PathLog } from '../log/path-log.js';
import type { PathStore } from '../log/path-policy.js';
import type { PathState } from '../log/path-state.js';
import type { Update } from '../log/update.js';
import type { Subscription } from '../session/subscription.js';
import { type OnReceiverFault, type Receiver, tell } from './receiver.js';

/** A path that somebody is connected to. */
export class Path {
  readonly name: string;
  /** Null when the path's policy keeps no log. */
  readonly log: PathLog | null;
  /** Null when the path's policy keeps no state. */
  readonly state: PathState | null;
  /** Whether slow readers skip what newer updates replace. */
  readonly isSkipped: boolean;
  readonly #subscriptions: Subscription[] = [];
  readonly #receivers = new Map<string, Receiver>();

  constructor(name: string, store: PathStore | null) {
    this.name = name;
    this.log = store?.log ?? null;
    this.state = store?.state ?? null;
    this.isSkipped = store?.slow === 'latest';
  }

  /** Sessions subscribed to it. */
  get subscriptions(): number {
    return this.#subscriptions.length;
  }

  /** Whether nobody is connected to it. */
  get isEmpty(): boolean {
    return this.#subscriptions.length === 0 && this.#receivers.size === 0;
  }

  /** Adds a session's subscription. */
  subscribe(subscription: Subscription): void {
    subscription.index = this.#subscriptions.push(subscription) - 1;
  }

  /** Removes a subscription; the last one takes its place. */
  unsubscribe(subscription: Subscription): void {
    const last = this.#subscriptions.pop();
    if (last === undefined || last === subscription) return;
    this.#subscriptions[subscription.index] = last;
    last.index = subscription.index;
  }

  /** Sends a snapshot to all that follow the state. */
  sendSnapshots(): void {
    for (const subscription of [...this.#subscriptions]) {
      if (subscription.state !== null) subscription.session.paths.sendSnapshot(subscription);
    }
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
    const subscriptions = this.#subscriptions;
    let delivered = 0;
    for (let i = 0; i < subscriptions.length; i++) {
      if ((subscriptions[i] as Subscription).deliver(update)) delivered++;
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
