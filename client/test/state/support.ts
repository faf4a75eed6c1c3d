/** A Pomona that follows states, and what Dobby says of them. */
import type { Json, Subscription } from '../../src/index.js';
import { type StateSubscription, withState } from '../../src/state/index.js';
import { at, Stage, subscribed, update } from '../support.js';

/** An update of a key. */
export const change = (path: string, key: string, offset: number, message: unknown = offset) => ({
  ...update(path, offset),
  key,
  message,
});

/** A part of a snapshot, the only one unless `more` says otherwise. */
export const state = (path: string, offset: number, entries: Record<string, unknown>, more: object = {}) => ({
  type: 'state',
  path,
  position: at(offset),
  entries: Object.entries(entries).map(([key, message]) => ({ key, message })),
  first: true,
  last: true,
  ...more,
});

export const gap = (path: string, from: number, to: number) => ({
  type: 'gap',
  path,
  from: at(from),
  to: at(to),
  reason: 'evicted',
});

export const refusal = (path: string) => ({
  type: 'refused',
  paths: [{ path, code: 'no_state', message: 'By its policy this path has no state.' }],
});

export class StateStage extends Stage {
  readonly stated = withState(this.pomona);
  /** What handlers heard and were told, by name. */
  readonly notes: unknown[][] = [];

  /** Follows a path and notes what comes, and the entries as they are then. */
  follow(name: string, path = 'a', options: object = {}): StateSubscription {
    const handler = (message: unknown) => {
      this.notes.push([name, message, this.#seen(subscription)]);
    };
    const subscription = this.stated.connect<Json>(path, handler, { ...options, state: true });
    subscription.on('snapshot', ({ entries, position }) =>
      this.notes.push([name, 'snapshot', Object.fromEntries(entries), position.offset]),
    );
    this.#listen(name, subscription);
    return subscription;
  }

  /** Hears a path without its state. */
  hear(name: string, path = 'a', options: object = {}): Subscription {
    const handler = (message: unknown) => void this.notes.push([name, message]);
    const subscription = this.stated.connect(path, handler, options);
    this.#listen(name, subscription);
    return subscription;
  }

  /** The connection is lost and comes back. */
  async reconnects(): Promise<void> {
    await this.transport.ends();
    await this.clock.advance(1_000);
    await this.transport.opens({ resumed: true, connection: 2 });
  }

  /** How the newest `open` frame and what followed it named the paths. */
  get named(): unknown[] {
    const { open } = this.transport;
    const later = this.transport.sentOf('subscribe').flatMap(({ paths }) => paths);
    return [...(open?.paths ?? []), ...later];
  }

  /** Takes the notes. */
  taken(): unknown[][] {
    return this.notes.splice(0);
  }

  #seen(subscription: StateSubscription): unknown {
    return subscription.hasSnapshot ? Object.fromEntries(subscription.entries) : 'no snapshot';
  }

  #listen(name: string, subscription: Subscription): void {
    subscription.on('gap', () => this.notes.push([name, 'gap']));
    subscription.on('refused', ({ code }) => this.notes.push([name, code]));
  }
}

/** One that follows `a`, with one entry at position 1. */
export async function following(): Promise<{ stage: StateStage; subscription: StateSubscription }> {
  const stage = new StateStage();
  const subscription = stage.follow('x');
  await stage.transport.opens();
  await stage.transport.says(subscribed('a'), state('a', 1, { k: 1 }));
  stage.taken();
  return { stage, subscription };
}
