import { describe, expect, it } from 'vitest';
import { MemoryBroker, type MemoryBrokerOptions } from '../../src/brokers/memory/memory-broker.js';
import { TimerWheel } from '../../src/core/timer-wheel.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeIds } from '../support/fake-ids.js';
import { LOG } from '../support/world.js';
import { brokerContract, entriesOf } from './contract.js';

const HOUR_MS = 3_600_000;

function setUp(options: Partial<MemoryBrokerOptions> = {}) {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const broker = new MemoryBroker({
    clock,
    wheel,
    ids: new FakeIds(),
    logOf: (path) => (path.startsWith('nolog') ? null : LOG),
    maxTotalBytes: 1_000_000,
    headTtlMs: HOUR_MS,
    maxHeads: 1_000,
    ...options,
  });
  broker.start(() => {});
  const publish = (path: string, message = 'x') =>
    broker.publish({ path, message, text: JSON.stringify(message), sender: '', except: null });
  return { clock, broker, publish };
}

brokerContract('memory', () => setUp().broker);

describe('the memory of all logs together', () => {
  it('is bounded; the paths that were published to the longest ago pay', () => {
    const { broker, publish } = setUp({ maxTotalBytes: 10_000 });
    const logs = ['a', 'b', 'c'].map((path) => broker.hold(path));
    for (const path of ['a', 'b', 'c', 'a']) for (let i = 0; i < 10; i++) publish(path, 'x'.repeat(20));
    expect(broker.totalBytes).toBeLessThanOrEqual(10_000);
    publish('c', 'x'.repeat(5_000));
    expect(broker.totalBytes).toBeLessThanOrEqual(10_000);
    expect(entriesOf(logs[1] ?? null)).toEqual([]);
    expect(entriesOf(logs[2] ?? null).length).toBeGreaterThan(0);
  });

  it('is counted right, whatever is evicted', () => {
    const { clock, broker, publish } = setUp({
      maxTotalBytes: 5_000,
      logOf: () => ({ ...LOG, maxUpdates: 7 }),
    });
    const logs = ['a', 'b', 'c'].map((path) => broker.hold(path));
    for (let i = 0; i < 200; i++) {
      publish(['a', 'b', 'c'][(i * 7) % 3] as string, 'x'.repeat((i * 37) % 400));
      clock.advance(i * 50);
      expect(broker.totalBytes).toBe(logs.reduce((sum, log) => sum + (log?.bytes ?? 0), 0));
    }
  });

  it('drops an update that is larger than all may be together, but not its offset', () => {
    const { broker, publish } = setUp({ maxTotalBytes: 1_000 });
    const log = broker.hold('a');
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
    broker.hold('a');
    const first = publish('a').position;
    clock.advance(10 * HOUR_MS);
    broker.release('a');
    clock.advance(HOUR_MS - 60_000);
    expect(publish('a').position).toEqual({ epoch: first?.epoch, offset: 2 });
  });

  it('is never dropped while somebody holds it', () => {
    const { clock, broker, publish } = setUp({ maxHeads: 2 });
    const log = broker.hold('a');
    publish('a');
    for (let i = 0; i < 10; i++) publish(`other/${i}`);
    clock.advance(10 * HOUR_MS);
    expect(publish('a').position).toEqual({ epoch: log?.epoch, offset: 2 });
    expect(broker.hold('a')).toBe(log);
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
    const { clock, broker, publish } = setUp({ logOf: () => ({ ...LOG, maxAgeMs: 100 * HOUR_MS }) });
    publish('a', 'x'.repeat(1_000));
    clock.advance(HOUR_MS + 20_000);
    expect(broker.totalBytes).toBe(0);
  });
});

describe('updates that are too old', () => {
  it('go even when nobody publishes any more', () => {
    const { clock, broker, publish } = setUp();
    const log = broker.hold('a');
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
    const { broker, publish } = setUp({ maxHeads: 10 });
    const { position } = publish('news');
    for (let i = 0; i < 100; i++) {
      broker.hold(`churn/${i}`);
      broker.release(`churn/${i}`);
    }
    expect(broker.hold('news')?.head).toEqual(position);
  });
});
