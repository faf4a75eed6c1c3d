import { describe, expect, it } from 'vitest';
import { settled } from '../support.js';
import { CommandsStage, open } from './support.js';

describe('a session that is resumed', () => {
  it('is given again, as they were, the commands that it has not had', async () => {
    const stage = await open();
    for (const name of ['a', 'b']) stage.give(name, { idempotent: name === 'b' }, { name });
    const before = ['a', 'b'].map((name) => stage.frameOf(name));
    await stage.reconnects({ received: 0 });
    const after = before.map((frame) => ({ ...frame, timeoutMs: 29_000 }));
    expect(stage.transport.sent).toEqual(after);
  });

  it('is given the others again with a new number, and `again`', async () => {
    const stage = await open();
    for (const name of ['a', 'b', 'c']) stage.give(name);
    const { uid } = stage.frameOf('a');
    await stage.reconnects({ received: 2 });
    expect(stage.carried).toEqual([
      ['a', 3, 'again'],
      ['b', 4, 'again'],
      ['c', 5],
    ]);
    expect(stage.frameOf('a').uid).toBe(uid);
    for (const name of ['c', 'a', 'b']) await stage.replies(name);
    expect(stage.outcomes.map(([name]) => name)).toEqual(['c', 'a', 'b']);
  });

  it('is not given again what has an answer', async () => {
    const stage = await open();
    for (const name of ['a', 'b', 'c']) stage.give(name);
    await stage.replies('b');
    await stage.reconnects({ received: 3 });
    expect(stage.carried).toEqual([
      ['a', 4, 'again'],
      ['c', 5, 'again'],
    ]);
  });

  it('that has forgotten counts as having had all that were sent', async () => {
    const stage = await open();
    stage.give('sent');
    await stage.loses();
    stage.give('waiting');
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true, connection: 2, received: 0, forgot: true });
    expect(stage.carried).toEqual([
      ['sent', 1, 'again'],
      ['waiting', 2],
    ]);
    const error = { code: 'disconnected', message: 'It is not known.' };
    await stage.transport.says({ type: 'reply', uid: stage.frameOf('sent').uid, error });
    expect(stage.outcomes).toEqual([['sent', 'disconnected']]);
  });

  it('keeps numbering with what else was sent', async () => {
    const stage = await open();
    stage.pomona.connect('a', () => {});
    await settled();
    stage.give('say');
    expect(stage.carried).toEqual([['say', 2]]);
    await stage.reconnects({ received: 0 });
    stage.pomona.connect('b', () => {});
    await settled();
    expect(stage.transport.sent.map((frame) => [frame.type, 'n' in frame && frame.n])).toEqual([
      ['command', 1],
      ['subscribe', 2],
    ]);
  });

  it('is told again as often as it takes: what it may have had once stays so', async () => {
    const stage = await open();
    stage.give('had');
    await stage.reconnects({ received: 1 });
    expect(stage.carried).toEqual([['had', 2, 'again']]);
    await stage.reconnects({ received: 1 });
    expect(stage.carried).toEqual([['had', 2, 'again']]);
    await stage.reconnects({ received: 2 });
    expect(stage.carried).toEqual([['had', 3, 'again']]);
  });

  it('may answer what an older connection carried before it gets the same again', async () => {
    const stage = await open();
    stage.give('say');
    const { uid } = stage.frameOf('say');
    await stage.reconnects({ received: 1 });
    await stage.transport.says({ type: 'reply', uid, reply: 1 }, { type: 'reply', uid, reply: 1 });
    await stage.reconnects({ received: 2 });
    expect([stage.outcomes, stage.carried]).toEqual([[['say', 1]], []]);
  });

  it('over another transport, while the old one lives, is the same', async () => {
    const stage = new CommandsStage({}, ['best', 'lesser']);
    await stage.transport.ends();
    await stage.transport.opens();
    await stage.clock.advance(40_000);
    await stage.transport.says({ type: 'ping', received: 0 });
    for (const name of ['a', 'b', 'c']) stage.give(name);
    await stage.clock.advance(20_000);
    expect(stage.transports.map(({ name }) => name)).toEqual(['best', 'lesser', 'best']);
    expect(stage.pomona.state).toBe('open');
    await stage.transport.opens({ resumed: true, connection: 2, received: 2 });
    stage.give('d');
    expect(stage.carried).toEqual([
      ['a', 3, 'again'],
      ['b', 4, 'again'],
      ['c', 5],
      ['d', 6],
    ]);
  });

  it('gets nothing that timed out while the connection was lost', async () => {
    const stage = await open();
    stage.give('short', { timeoutMs: 500 });
    stage.give('long');
    await stage.reconnects({ received: 2 });
    expect(stage.carried).toEqual([['long', 3, 'again']]);
    expect(stage.outcomes).toEqual([['short', 'timeout']]);
  });
});

describe('another session', () => {
  it('gets what is idempotent again, and what was never sent; the rest is over', async () => {
    const stage = await open();
    stage.give('once');
    stage.give('idempotent', { idempotent: true });
    await stage.loses(4100);
    stage.give('waiting');
    await stage.clock.advance(1_000);
    await stage.transport.opens({ id: 'two' });
    expect(stage.carried).toEqual([
      ['idempotent', 1, 'again'],
      ['waiting', 2],
    ]);
    expect(stage.outcomes).toEqual([['once', 'disconnected']]);
  });

  it('also when its ticket was refused, whatever it says of numbers', async () => {
    const stage = await open();
    stage.give('once');
    await stage.reconnects({
      id: 'two',
      resumed: false,
      refused: 'expired_ticket',
      connection: 1,
      received: 0,
    });
    expect([stage.carried, stage.outcomes]).toEqual([[], [['once', 'disconnected']]]);
  });

  it('gets what the one before it said that it had not had', async () => {
    const stage = await open();
    const args = 'x'.repeat(60_000);
    for (let i = 0; i < 20; i++) stage.give(`${i}`, {}, args);
    const sent = stage.carried.length;
    await stage.reconnects({ received: 1 });
    await stage.loses(4100);
    await stage.clock.advance(1_000);
    await stage.transport.opens({ id: 'two' });
    // On the second connection as many had room as on the first: those it may have had.
    expect(stage.outcomes).toEqual([...Array(sent).keys()].map((i) => [`${i}`, 'disconnected']));
    expect(stage.carried).toEqual([...Array(20).keys()].slice(sent).map((i) => [`${i}`, i - sent + 1]));
  });

  it('is not what the first one is', async () => {
    const stage = new CommandsStage();
    stage.give('say');
    await stage.transport.opens();
    expect(stage.carried).toEqual([['say', 1]]);
  });
});
