import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isLong } from '../../../test/size.js';
import type { Subscription } from '../../src/index.js';
import { type StateSubscription, withState } from '../../src/state/index.js';
import { Stage, settled } from '../support.js';
import { ModelServer, name } from './model-server.js';

const TIMEOUT_MS = isLong ? 120_000 : 10_000;

type Step =
  | {
      readonly do: 'publish';
      readonly key: string | null;
      readonly isRemoval: boolean;
      readonly isHidden: boolean;
    }
  | { readonly do: 'deliver'; readonly count: number }
  | { readonly do: 'hear' | 'cut' | 'forget' | 'lose-head' }
  | { readonly do: 'send' | 'follow' }
  | { readonly do: 'evict' | 'leave'; readonly count: number };

/** What a handler hears, held against all that was published. */
class Witness {
  readonly subscription: Subscription;
  readonly #server: ModelServer;
  #reached: { epoch: string; offset: number } | null;

  constructor(
    server: ModelServer,
    connect: (handler: (offset: never, update: never) => void) => Subscription,
  ) {
    this.#server = server;
    this.subscription = connect((_: never, { position }: { position: { epoch: string; offset: number } }) =>
      this.#hears(position),
    );
    this.#reached = this.subscription.position;
    this.subscription.on('subscribed', ({ position }) => {
      this.#reached ??= position;
    });
    this.subscription.on('gap', ({ from, to }) => {
      expect(from, 'a gap begins where the handler is').toSatisfy(() => !this.#missed(from));
      this.#reached = to;
    });
  }

  /** Whether there is something that should have been heard and was not. */
  hasMissed(): boolean {
    return this.#missed(this.#server.head);
  }

  #hears(position: { epoch: string; offset: number }): void {
    const reached = this.#reached;
    expect(reached?.epoch, 'a gap is told before another epoch').toBe(position.epoch);
    expect(position.offset, 'no update comes twice').toBeGreaterThan(reached?.offset ?? 0);
    expect(this.#missed({ ...position, offset: position.offset - 1 }), 'an update was lost').toBe(false);
    this.#reached = position;
  }

  #missed(until: { epoch: string; offset: number } | null): boolean {
    const reached = this.#reached;
    if (reached === null || until === null) return false;
    return this.#server.published.some(
      ({ position, isHidden }) =>
        !isHidden &&
        position.epoch === reached.epoch &&
        position.offset > reached.offset &&
        (until.epoch !== reached.epoch || position.offset <= until.offset),
    );
  }
}

class World {
  readonly #stage = new Stage();
  readonly #pomona = withState(this.#stage.pomona);
  readonly #server = new ModelServer();
  #witnesses: Witness[] = [];
  #sent = 0;

  async run(steps: readonly Step[]): Promise<void> {
    await this.#open();
    for (const step of steps) {
      await this.#take(step);
      this.#check();
    }
    await this.#quiet();
    this.#check();
    for (const { subscription } of this.#followers)
      expect(subscription.hasSnapshot, 'whole at the end').toBe(true);
    for (const witness of this.#witnesses) expect(witness.hasMissed(), 'missed at the end').toBe(false);
    expect(this.#stage.told('error').filter((code) => code !== 'transport_failed')).toEqual([]);
    this.#pomona.close();
  }

  get #followers(): { subscription: StateSubscription }[] {
    return this.#witnesses.filter(
      (witness): witness is Witness & { subscription: StateSubscription } =>
        'entries' in witness.subscription,
    );
  }

  async #take(step: Step): Promise<void> {
    const server = this.#server;
    switch (step.do) {
      case 'publish': {
        const key = step.isHidden ? null : step.key; // what is hidden from a session is hidden from its state
        return server.publish(key, step.isRemoval ? null : server.published.length, step.isHidden);
      }
      case 'deliver':
        for (let i = 0; i < step.count; i++) await this.#deliver();
        return;
      case 'send':
        return void this.#upstream();
      case 'evict':
        return server.evict(step.count);
      case 'cut':
        return this.#reopen();
      case 'forget':
        server.forget();
        return this.#reopen();
      case 'lose-head':
        await this.#stage.transport.ends();
        server.loseHead();
        return this.#come();
      case 'hear':
        this.#witnesses.push(new Witness(server, (handler) => this.#pomona.connect('a', handler as never)));
        return settled();
      case 'follow':
        this.#witnesses.push(
          new Witness(server, (handler) => this.#pomona.connect('a', handler as never, { state: true })),
        );
        return settled();
      case 'leave': {
        const [gone] = this.#witnesses.splice(step.count % Math.max(1, this.#witnesses.length), 1);
        gone?.subscription.disconnect();
        return settled();
      }
    }
  }

  /** Entries that are said to be whole are what the state was at the position that was reached. */
  #check(): void {
    for (const { subscription } of this.#followers) {
      if (!subscription.hasSnapshot || subscription.position === null) continue;
      const there = this.#server.states.get(name(subscription.position));
      expect([...subscription.entries]).toEqual(there?.map(({ key, message }) => [key, message]));
    }
  }

  async #deliver(): Promise<boolean> {
    const frame = this.#server.next();
    if (frame === null) return false;
    await this.#stage.transport.says(structuredClone(frame));
    return true;
  }

  #upstream(): boolean {
    const { sent } = this.#stage.transport;
    const isNews = this.#sent < sent.length;
    for (; this.#sent < sent.length; this.#sent++) this.#server.take(sent[this.#sent]!);
    return isNews;
  }

  async #quiet(): Promise<void> {
    while (this.#upstream() || (await this.#deliver())) await settled();
  }

  async #reopen(): Promise<void> {
    await this.#stage.transport.ends();
    await this.#come();
  }

  /** The client comes back by itself. */
  async #come(): Promise<void> {
    const { transports, clock } = this.#stage;
    for (const before = transports.length; transports.length === before; ) await clock.advance(250);
    await this.#open();
  }

  async #open(): Promise<void> {
    const { transport, transports } = this.#stage;
    const { session, received } = this.#server;
    const connection = transports.length;
    this.#sent = 0;
    await settled();
    transport.asks();
    this.#server.open(transport.open?.paths ?? []);
    await transport.says({
      type: 'opened',
      id: `session-${session}`,
      ticket: 'ticket',
      connection,
      resumed: connection > 1,
      received,
      pingIntervalMs: 3_600_000,
    });
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      key: fc.constantFrom('k', 'l', 'm', '__proto__', null),
      isRemoval: fc.boolean(),
      isHidden: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('send' as const, 'follow' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('hear' as const, 'cut' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('forget' as const, 'lose-head' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('evict' as const, 'leave' as const),
      count: fc.integer({ min: 0, max: 3 }),
    }),
  },
);

it('holds the whole state, and loses nothing without a word, wherever the connection is cut', {
  timeout: TIMEOUT_MS,
}, async () => {
  const first: Step[] = [{ do: 'follow' }, { do: 'hear' }];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) => new World().run([...first, ...steps])),
    { numRuns: isLong ? 10_000 : 300 },
  );
});
