/**
 * Whatever happens in whatever order, a client that follows the protocol loses nothing in silence, hears nothing twice
 * and nothing out of order. Bounds are tiny, so that logs evict and outboxes fill all the time.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Position } from '../../../protocol/positions.js';
import { isLong } from '../../../test/size.js';
import { ModelClient, type ModelRules } from '../support/model-client.js';
import { History } from '../support/model-history.js';
import { createWorld, type World } from '../support/world.js';

const RUNS = 1_500;
/** Between them the turn ends, which lets go of what the runs before left to promises. */
const ROUNDS = isLong ? 8 : 1;
const TIMEOUT_MS = isLong ? 1_200_000 : 120_000;
const PATHS = ['public/a', 'public/b', 'granted', 'public-nolog', 'public-latest', 'public-state'] as const;
/** Updates of these may have keys. */
const KEYED: ReadonlySet<string> = new Set(['public-latest', 'public-state', 'public/a']);
/** Nobody is left out where the state is followed: who does not hear a change cannot follow. */
const STATED = 'public-state';
const RULES: ModelRules = {
  isLatest: (path) => path === 'public-latest',
  isStated: (path) => path === STATED,
};
/** Subscribed to since a position that a page was rendered at; so its back end does not also connect it unasked. */
const RENDERED = 'public/b';
/** Granted and taken away by the back end, whether or not the client asked. */
const STEERED: ReadonlySet<string> = new Set(['public/a', 'granted']);
const CLIENTS = 3;

const client = fc.nat({ max: CLIENTS - 1 });
const path = fc.constantFrom(...PATHS, 'public-latest' as const, 'public-latest' as const);
const operation = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      path,
      count: fc.integer({ min: 1, max: 8 }),
      /** Sometimes more than one helping of what is behind. */
      size: fc.constantFrom(1, 1, 1, 1, 1, 1, 40_000),
      key: fc.constantFrom(null, 'a', 'a', 'b', 'c'),
      removes: fc.boolean(),
      hideFrom: fc.option(client, { freq: 3 }),
      asSender: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      client,
      count: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('want' as const), client, path, since: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('turn' as const, 'settle' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40_000 }) }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'open' as const,
        'open' as const,
        'stream' as const,
        'poll' as const,
        'drop' as const,
        'block' as const,
        'block' as const,
        'unblock' as const,
        'repeat' as const,
      ),
      client,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('unwant' as const, 'grant' as const, 'revoke' as const),
      client,
      path,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kick' as const), client }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'handOver' as const) }) },
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Model {
  readonly #history = new History();
  readonly #lastPositions = new Map<string, Position>();
  readonly clients: readonly ModelClient[];
  world: World;
  #serial = 0;
  /** Gaps that were told, by all servers one after another. */
  gaps = 0;
  skips = 0;

  constructor(log: { maxUpdates: number; maxFrames: number }) {
    this.world = createWorld({
      log: { maxUpdates: log.maxUpdates, maxBytes: 150_000, maxAgeMs: 60_000 },
      settings: { outbox: { maxFrames: log.maxFrames, maxBytes: 100_000 }, pingIntervalMs: 15_000 },
    });
    this.clients = Array.from({ length: CLIENTS }, () => new ModelClient(this.world, this.#history, RULES));
    for (const it of this.clients) {
      for (const path of PATHS.slice(1)) it.want(path);
      it.open();
    }
  }

  perform(it: Operation): void {
    const who = 'client' in it ? (this.clients[it.client] as ModelClient) : null;
    switch (it.do) {
      case 'publish':
        return this.#publish(it);
      case 'turn':
        return this.world.clock.turn();
      case 'settle':
        return this.world.clock.settle();
      case 'advance':
        return this.world.clock.advance(it.ms);
      case 'crash':
        this.#history.crashed();
        return this.#startAgain(this.world.restart());
      case 'handOver':
        return this.#startAgain(this.world.handOver());
      case 'read':
        return void who?.read(it.count);
      case 'want':
        return who?.want(
          it.path,
          it.since && it.path === RENDERED ? this.#lastPositions.get(it.path) : undefined,
        );
      case 'unwant':
        return who?.unwant(it.path);
      case 'grant':
        if (STEERED.has(it.path)) this.world.connect(who?.id ?? '', [it.path], null);
        return;
      case 'revoke':
        if (STEERED.has(it.path)) void this.world.sessions.admin.disconnect(who?.id ?? '', [it.path], null);
        return;
      case 'kick':
        return void this.world.sessions.admin.kick(who?.id ?? '', true);
      case 'block':
        return who?.client?.block();
      case 'unblock':
        return who?.unblock();
      case 'open':
        return who?.open();
      case 'stream':
        return who?.open('event-stream');
      case 'poll':
        return who?.open('long-poll');
      case 'drop':
        return who?.drop();
      case 'repeat':
        return who?.repeat();
      default:
        return it satisfies never;
    }
  }

  /** Lets everybody come back and read to the end; then nothing may be owed. */
  finish(): void {
    for (let round = 0; round < 200; round++) {
      let hasRead = 0;
      for (const it of this.clients) {
        if (it.client === null) it.open();
        it.unblock();
        this.world.clock.settle();
        hasRead += it.read(1_000);
      }
      if (hasRead > 0) continue;
      for (const it of this.clients) it.isDone();
      this.#countGaps();
      expect(this.world.receiverFaults).toEqual([]);
      return;
    }
    throw new Error('the clients never come to rest');
  }

  #publish({ path, count, size, ...it }: Extract<Operation, { do: 'publish' }>): void {
    const id = it.hideFrom === null || path === STATED ? '' : (this.clients[it.hideFrom]?.id ?? '');
    const key = it.key !== null && KEYED.has(path) ? { key: it.key } : {};
    for (let i = 0; i < count; i++) {
      const text = `${++this.#serial} ${'x'.repeat(size)}`;
      // The last of a series may remove its key.
      const message = 'key' in key && it.removes && i === count - 1 ? null : text;
      const hidden = it.asSender ? { sender: id } : { except: [id] };
      const { position } = this.world.publish(path, message, { ...key, ...hidden });
      this.#history.add(
        { path, key: 'key' in key ? it.key : null, message, position, hidden: new Set([id]) },
        this.#serial,
      );
      if (position !== null) this.#lastPositions.set(path, position);
    }
  }

  #countGaps(): void {
    this.gaps += this.world.counters.gaps;
    this.skips += this.world.counters.skipped;
  }

  #startAgain(next: World): void {
    this.#countGaps();
    this.world = next;
    for (const it of this.clients) it.moveTo(this.world);
  }
}

it('loses nothing in silence, repeats nothing and reorders nothing, whatever happens', {
  timeout: TIMEOUT_MS,
}, async () => {
  let runs = 0;
  let processed = 0;
  let gaps = 0;
  let skips = 0;
  let snapshots = 0;
  const bounds = fc.record({
    maxUpdates: fc.integer({ min: 1, max: 40 }),
    maxFrames: fc.integer({ min: 4, max: 24 }),
  });
  const property = fc.property(
    bounds,
    fc.array(operation, { minLength: 50, maxLength: 200, size: 'max' }),
    (log, operations) => {
      const model = new Model(log);
      for (const it of operations) model.perform(it);
      model.finish();
      runs++;
      for (const it of model.clients) {
        processed += it.processed;
        snapshots += it.snapshots;
      }
      gaps += model.gaps;
      skips += model.skips;
    },
  );
  for (let round = 0; round < ROUNDS; round++) {
    fc.assert(property, { numRuns: RUNS });
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(
    `model: ${runs} runs, ${processed} frames processed, ${snapshots} snapshots; ${gaps} gaps told, ${skips} updates skipped`,
  );
  expect(runs).toBe(RUNS * ROUNDS);
  expect(gaps, 'the runs are hard enough to lose updates').toBeGreaterThan(100);
  expect(Math.min(skips, snapshots), 'they skip and take snapshots').toBeGreaterThan(100);
});
