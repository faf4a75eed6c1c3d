import { describe, expect, it } from 'vitest';
import type { DownFrame } from '../../../../protocol/frames.js';
import { frameOf } from '../../support/fake-carrier.js';
import { createWorld, LOG } from '../../support/world.js';

const PATH = 'public-latest';

function brief(frames: readonly DownFrame[]): string[] {
  return frames.flatMap((frame) => {
    if (!('type' in frame)) return [`${frame.key ?? ''}=${frame.message}`];
    return frame.type === 'gap' ? [`gap ${frame.reason} ${frame.from?.offset}-${frame.to?.offset}`] : [];
  });
}

/** A client whose socket holds back what comes after its first update. */
function slowClient(options: Parameters<typeof createWorld>[0] = {}, carrier = {}) {
  const world = createWorld(options);
  const client = world.open({ paths: [{ path: PATH }] }, carrier);
  world.clock.settle();
  client.block();
  world.publish(PATH, 'first');
  world.clock.settle();
  client.carrier.take();
  const catchUp = () => {
    client.unblock();
    return brief(client.frames());
  };
  return { world, client, catchUp };
}

describe('a slow reader of a path that keeps the latest', () => {
  it('gets the newest update of each key in their order, and no word of what they replace', () => {
    const { world, catchUp } = slowClient();
    for (const [key, message] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['c', 4],
      ['b', 5],
    ] as const)
      world.publish(PATH, message, { key });
    expect(catchUp()).toEqual(['a=3', 'c=4', 'b=5']);
  });

  it('is told what it misses of updates without a key, before the next one', () => {
    const { world, catchUp } = slowClient();
    for (let i = 2; i <= 5; i++) world.publish(PATH, i);
    expect(catchUp()).toEqual(['gap slow 1-4', '=5']);
    expect(world.counters.gapsBy).toMatchObject({ slow: 1, evicted: 0 });
  });

  it('is told each stretch by itself where keys stand between', () => {
    const { world, catchUp } = slowClient();
    world.publish(PATH, 2);
    world.publish(PATH, 3, { key: 'a' });
    world.publish(PATH, 4);
    world.publish(PATH, 5);
    expect(catchUp()).toEqual(['gap slow 1-2', 'a=3', 'gap slow 3-4', '=5']);
  });

  it('lets nothing wait while its socket takes nothing', () => {
    const { world, client } = slowClient();
    for (let i = 0; i < 500; i++) world.publish(PATH, i, { key: 'a' });
    client.connection.outbox.close(frameOf('"last"'));
    expect(client.carrier.take()).toEqual(['last']);
  });

  it('is live again afterwards and skips nothing any more', () => {
    const { world, client, catchUp } = slowClient();
    world.publish(PATH, 2, { key: 'a' });
    expect(catchUp()).toEqual(['a=2']);
    for (let i = 3; i <= 5; i++) world.publish(PATH, i, { key: 'a' });
    expect(brief(client.frames())).toEqual(['a=3', 'a=4', 'a=5']);
  });

  it('gets an update that only one hidden from it would replace', () => {
    const { world, client, catchUp } = slowClient();
    world.publish(PATH, 2, { key: 'a' });
    world.publish(PATH, 3, { key: 'a', except: [client.session.id] });
    world.publish(PATH, 4);
    world.publish(PATH, 5, { sender: client.session.id });
    expect(catchUp()).toEqual(['a=2', '=4']);
  });

  it('is told a gap as others are for what the log has lost', () => {
    const { world, catchUp } = slowClient({ log: { ...LOG, maxUpdates: 2 } });
    for (let i = 2; i <= 6; i++) world.publish(PATH, i, { key: `k${i}` });
    expect(catchUp()).toEqual(['gap evicted 1-4', 'k5=5', 'k6=6']);
  });

  it('is replayed everything after a reconnect: it was away, not slow', () => {
    const { world, client } = slowClient();
    client.connection.lost();
    for (let i = 2; i <= 4; i++) world.publish(PATH, i, { key: 'a' });
    const position = { epoch: 'epoch001', offset: 1 };
    const again = world.open({ paths: [{ path: PATH, position }] });
    expect(brief(again.frames())).toEqual(['a=2', 'a=3', 'a=4']);
  });

  it('does not count as slow between two polls, as long as its outbox has room', () => {
    const options = { settings: { outbox: { maxFrames: 5, maxBytes: 100_000 } } };
    const { world, client, catchUp } = slowClient(options, { transport: 'long-poll' as const });
    for (let i = 2; i <= 4; i++) world.publish(PATH, i);
    expect(catchUp()).toEqual(['=2', '=3', '=4']);
    client.block();
    for (let i = 5; i <= 6; i++) world.publish(PATH, i);
    world.clock.settle();
    for (let i = 7; i <= 15; i++) world.publish(PATH, i);
    expect(catchUp().slice(-2)).toEqual(['gap slow 11-14', '=15']);
  });
});
