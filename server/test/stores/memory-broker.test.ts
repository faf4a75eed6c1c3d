import { describe, expect, it } from 'vitest';
import type { Json } from '../../../protocol/frames.js';
import type { Published } from '../../src/core/log/broker.js';
import type { LogBounds } from '../../src/core/log/path-log.js';
import type { PathPolicy } from '../../src/core/log/path-policy.js';
import { TimerWheel } from '../../src/core/time/timer-wheel.js';
import { MemoryBroker, type MemoryBrokerOptions } from '../../src/stores/memory/memory-broker.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeIds } from '../support/fake-ids.js';
import { LOG, STATE } from '../support/world.js';
import { brokerContract, draftOf, entriesOf } from './contract.js';

const HOUR_MS = 3_600_000;

const policyWith = (log: LogBounds | null, state = STATE): PathPolicy => ({
  log,
  state: log === null ? null : state,
  slow: 'resume',
});

function setUp(options: Partial<MemoryBrokerOptions> = {}) {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const broker = new MemoryBroker({
    clock,
    wheel,
    ids: new FakeIds(),
    policyOf: (path) => policyWith(path.startsWith('nolog') ? null : LOG),
    maxTotalBytes: 1_000_000,
    maxStateBytes: 1_000_000,
    headTtlMs: HOUR_MS,
    maxHeads: 1_000,
    ...options,
  });
  broker.start(() => {});
  const tryPublish = (path: string, message: Json, key: string | null = null) =>
    broker.publish([draftOf(path, message, { key })]);
  const publish = (path: string, message: Json = 'x', key: string | null = null) => {
    const outcome = tryPublish(path, message, key);
    if ('error' in outcome) throw new Error(outcome.error.code);
    return outcome.value[0] as Published;
  };
  const holdLog = (path: string) => broker.join(path)?.log ?? null;
  return { clock, broker, publish, tryPublish, holdLog };
}

brokerContract('memory', () => setUp().broker);

describe('the memory of all logs together', () => {
  it('is bounded; the paths that were published to the longest ago pay', () => {
    const { broker, publish, holdLog } = setUp({ maxTotalBytes: 10_000 });
    const logs = ['a', 'b', 'c'].map(holdLog);
    for (const path of ['a', 'b', 'c', 'a']) for (let i = 0; i < 10; i++) publish(path, 'x'.repeat(20));
    expect(broker.totalBytes).toBeLessThanOrEqual(10_000);
    publish('c', 'x'.repeat(5_000));
    expect(broker.totalBytes).toBeLessThanOrEqual(10_000);
    expect(entriesOf(logs[1] ?? null)).toEqual([]);
    expect(entriesOf(logs[2] ?? null).length).toBeGreaterThan(0);
  });

  it('is counted right, whatever is evicted', () => {
    const { clock, broker, publish, holdLog } = setUp({
      maxTotalBytes: 5_000,
      policyOf: () => policyWith({ ...LOG, maxUpdates: 7 }),
    });
    const logs = ['a', 'b', 'c'].map(holdLog);
    for (let i = 0; i < 200; i++) {
      publish(['a', 'b', 'c'][(i * 7) % 3] as string, 'x'.repeat((i * 37) % 400));
      clock.advance(i * 50);
      expect(broker.totalBytes).toBe(logs.reduce((sum, log) => sum + (log?.bytes ?? 0), 0));
    }
  });

  it('drops an update that is larger than all may be together, but not its offset', () => {
    const { broker, publish, holdLog } = setUp({ maxTotalBytes: 1_000 });
    const log = holdLog('a');
    publish('a', 'x'.repeat(5_000));
    expect(broker.totalBytes).toBe(0);
    expect(log).toMatchObject({ floor: 1, nextOffset: 2 });
  });
});

describe('a head that nobody holds', () => {
  it('is kept for its time to live after the last update, and comes back as a new epoch after that', () => {
    const { clock, publish } = setUp();
    const first = publish('a').position;
    clock.advance(HOUR_MS - 60_000);
    expect(publish('a').position).toEqual({ epoch: first?.epoch, offset: 2 });
    clock.advance(HOUR_MS + 20_000);
    expect(publish('a').position).toEqual({ epoch: 'epoch002', offset: 1 });
  });

  it('is kept for its time to live after the last one let go', () => {
    const { clock, broker, publish } = setUp();
    broker.join('a');
    const first = publish('a').position;
    clock.advance(10 * HOUR_MS);
    broker.leave('a');
    clock.advance(HOUR_MS - 60_000);
    expect(publish('a').position).toEqual({ epoch: first?.epoch, offset: 2 });
  });

  it('is never dropped while somebody holds it', () => {
    const { clock, publish, holdLog } = setUp({ maxHeads: 2 });
    const log = holdLog('a');
    publish('a');
    for (let i = 0; i < 10; i++) publish(`other/${i}`);
    clock.advance(10 * HOUR_MS);
    expect(publish('a').position).toEqual({ epoch: log?.epoch, offset: 2 });
    expect(holdLog('a')).toBe(log);
  });

  it('is one of a bounded number; the one that was used the longest ago is dropped', () => {
    const { publish } = setUp({ maxHeads: 3 });
    const epochs = new Map(['a', 'b', 'c'].map((path) => [path, publish(path).position?.epoch]));
    publish('a');
    publish('d');
    expect(publish('a').position?.epoch).toBe(epochs.get('a'));
    expect(publish('b').position?.epoch).not.toBe(epochs.get('b'));
  });

  it('takes its bytes with it when it is dropped', () => {
    const { clock, broker, publish } = setUp({
      policyOf: () => policyWith({ ...LOG, maxAgeMs: 100 * HOUR_MS }),
    });
    publish('a', 'x'.repeat(1_000));
    clock.advance(HOUR_MS + 20_000);
    expect(broker.totalBytes).toBe(0);
  });
});

describe('updates that are too old', () => {
  it('go even when nobody publishes any more', () => {
    const { clock, broker, publish, holdLog } = setUp();
    const log = holdLog('a');
    publish('a');
    clock.advance(LOG.maxAgeMs + 20_500);
    expect(log?.size).toBe(0);
    expect(broker.totalBytes).toBe(0);
    expect(publish('a').position?.offset).toBe(2);
  });

  it('are looked for no more once the broker has stopped', () => {
    const { clock, broker } = setUp();
    broker.stop();
    clock.advance(60_000);
    expect(clock.timers).toBe(0);
  });
});

describe('heads that nobody holds', () => {
  it('of paths that were only subscribed to push out none of those that were published to', () => {
    const { broker, publish, holdLog } = setUp({ maxHeads: 10 });
    const { position } = publish('news');
    for (let i = 0; i < 100; i++) {
      broker.join(`churn/${i}`);
      broker.leave(`churn/${i}`);
    }
    expect(holdLog('news')?.head).toEqual(position);
  });
});

describe('states', () => {
  it('keep their path for good, and give it back to the heads when the last key goes', () => {
    const { clock, broker, publish } = setUp({ maxHeads: 3 });
    const epoch = publish('a', 1, 'x').position?.epoch;
    for (let i = 0; i < 10; i++) publish(`other/${i}`);
    clock.advance(10 * HOUR_MS);
    expect(publish('a', null, 'x').position).toEqual({ epoch, offset: 2 });
    expect(broker.stateBytes).toBe(0);
    clock.advance(HOUR_MS + 20_000);
    expect(publish('a').position?.epoch).not.toBe(epoch);
  });

  it('are bounded in keys and bytes of a path, and in bytes of all; what exceeds a bound is not published', () => {
    const { broker, tryPublish, holdLog } = setUp({
      policyOf: () => policyWith(LOG, { maxKeys: 2, maxBytes: 1_000 }),
      maxStateBytes: 2_324,
    });
    const codes = [
      tryPublish('a', 1, 'x'),
      tryPublish('a', 1, 'y'),
      tryPublish('a', 1, 'one key too many'),
      tryPublish('a', 'x'.repeat(900), 'x'),
      tryPublish('a', 'x'.repeat(500), 'x'),
      tryPublish('b', 'x'.repeat(500), 'too many bytes of all'),
      tryPublish('a', 'smaller', 'x'),
      tryPublish('b', 'x'.repeat(500), 'x'),
    ].map((outcome) => ('error' in outcome ? `${outcome.error.code} ${outcome.error.field}` : 'published'));
    const full = 'state_full key';
    const messageOf = (outcome: ReturnType<typeof tryPublish>) => 'error' in outcome && outcome.error.message;
    expect(messageOf(tryPublish('a', 1, 'z'))).toMatch(/as many keys .*\(2\).*"maxKeys"/);
    expect(messageOf(tryPublish('a', 'x'.repeat(900), 'x'))).toMatch(/1000 bytes.*"maxBytes"/);
    expect(messageOf(tryPublish('c', 'x'.repeat(800), 'x'))).toMatch(
      /All states.*2324 bytes.*"maxStateBytes"/,
    );
    expect(codes).toEqual([
      'published',
      'published',
      full,
      full,
      'published',
      full,
      'published',
      'published',
    ]);
    expect(holdLog('a')?.head.offset).toBe(4);
    const kept = ['a', 'b'].map((path) => broker.join(path)?.state?.bytes ?? 0);
    expect(broker.stateBytes).toBe((kept[0] ?? 0) + (kept[1] ?? 0));
  });
});
