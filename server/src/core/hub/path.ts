/** One path: its tail once it is joined, the sessions subscribed to it, and the other receivers connected to it. */
import type { Tail } from '../log/broker.js';
import type { PathLog } from '../log/path-log.js';
import type { PathPolicy } from '../log/path-policy.js';
import type { PathState } from '../log/path-state.js';
import type { Update } from '../log/update.js';
import { type OnReceiverFault, type Receiver, tell } from './receiver.js';

/** Hears the updates of a path for one client. */
export interface PathListener {
  /** Its index among the path's listeners; kept by the path. */
  index: number;
  /** Takes one update; returns whether it was enqueued. The hot path: no allocation. */
  deliver(update: Update): boolean;
  /** Sends a snapshot of the state if the client follows it. */
  sendSnapshot(): void;
  /** Called once, when the tail has arrived, for a listener that came before it. */
  joined(): void;
}

/** A path with listeners or receivers on this server. */
export class Path {
  readonly name: string;
  /** Whether its policy keeps a state. */
  readonly hasState: boolean;
  /** Whether slow readers skip what newer updates replace. */
  readonly isSkipped: boolean;
  readonly #listeners: PathListener[] = [];
  readonly #receivers = new Map<string, Receiver>();
  #tail: Tail | null = null;
  #isJoined = false;
  #onJoined: (() => void)[] = [];
  /** Listeners that are ahead of the tail; null for none. */
  #ahead: Set<PathListener> | null = null;

  constructor(name: string, policy: PathPolicy) {
    this.name = name;
    this.hasState = policy.state !== null;
    this.isSkipped = policy.slow === 'latest' && policy.log !== null;
  }

  /** Returns whether the broker has answered with the tail. */
  get isJoined(): boolean {
    return this.#isJoined;
  }

  /** Returns the newest entries; null before the path is joined, and where its policy has no log. */
  get log(): PathLog | null {
    return this.#tail?.log ?? null;
  }

  /** Returns the state; null before the path is joined, and where its policy has no state. */
  get state(): PathState | null {
    return this.#tail?.state ?? null;
  }

  /** Returns the number of subscribed sessions. */
  get subscriptions(): number {
    return this.#listeners.length;
  }

  /** Returns whether the path has neither listeners nor receivers. */
  get isEmpty(): boolean {
    return this.#listeners.length === 0 && this.#receivers.size === 0;
  }

  /** Takes the tail of the path from the broker; null where the path has no log. */
  join(tail: Tail | null): void {
    this.#tail = tail;
    this.#isJoined = true;
    for (const listener of [...this.#listeners]) listener.joined();
    for (const resolve of this.#onJoined.splice(0)) resolve();
  }

  /** Calls `done` when the path is joined, at once if it is; also when it is left before. */
  whenJoined(done: () => void): void {
    if (this.#isJoined) done();
    else this.#onJoined.push(done);
  }

  /** Ends the waiting of `whenJoined`: the path has been left. */
  left(): void {
    for (const resolve of this.#onJoined.splice(0)) resolve();
  }

  /** Adds a session's subscription. */
  subscribe(listener: PathListener): void {
    listener.index = this.#listeners.push(listener) - 1;
  }

  /** Removes a subscription; the last one takes its place. */
  unsubscribe(listener: PathListener): void {
    const last = this.#listeners.pop();
    this.#ahead?.delete(listener);
    if (last === undefined || last === listener) return;
    this.#listeners[listener.index] = last;
    last.index = listener.index;
  }

  /** Sends a snapshot to all listeners that follow the state. */
  sendSnapshots(): void {
    for (const listener of [...this.#listeners]) listener.sendSnapshot();
  }

  /** Connects a receiver that is not a session. */
  connect(receiver: Receiver): void {
    this.#receivers.set(receiver.id, receiver);
  }

  /** Disconnects a receiver. */
  disconnect(id: string): void {
    this.#receivers.delete(id);
  }

  /** Delivers an update to all listeners and receivers; returns for how many sessions it was enqueued. */
  deliver(update: Update, onFault: OnReceiverFault): number {
    const listeners = this.#listeners;
    let delivered = 0;
    for (let i = 0; i < listeners.length; i++) {
      if ((listeners[i] as PathListener).deliver(update)) delivered++;
    }
    if (this.#receivers.size > 0 && this.#isJoined) this.#tellReceivers(update, onFault);
    if (this.#ahead !== null) this.#wakeAhead(this.#ahead);
    return delivered;
  }

  /** Calls `joined` of a listener, which is ahead of the tail, at the next update. */
  wakeAtNext(listener: PathListener): void {
    this.#ahead ??= new Set();
    this.#ahead.add(listener);
  }

  #wakeAhead(listeners: ReadonlySet<PathListener>): void {
    this.#ahead = null;
    for (const listener of listeners) listener.joined();
  }

  #tellReceivers(update: Update, onFault: OnReceiverFault): void {
    for (const receiver of [...this.#receivers.values()]) {
      if (receiver.id === update.sender) continue;
      tell(receiver, [update.sender, update.path, update.message, update], onFault);
    }
  }
}
