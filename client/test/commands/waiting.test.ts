import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MAX_CALLS } from '../../src/commands/calls.js';
import { MAX_FRAMES } from '../../src/outstanding.js';
import { settled } from '../support.js';
import { CommandsStage, open } from './support.js';

describe('time', () => {
  it('is over 30 seconds after the call unless it is told otherwise; a reply after that is ignored', async () => {
    const stage = await open();
    stage.give('a');
    stage.give('b', { timeoutMs: 31_000 });
    const sent = stage.commanded.send('chat/7', 'c');
    sent.catch(() => {}); // looked at below
    await stage.clock.advance(29_999);
    expect(stage.outcomes).toEqual([]);
    await stage.clock.advance(1);
    await stage.replies('a');
    expect(stage.outcomes).toEqual([['a', 'timeout']]);
    await expect(sent).rejects.toThrow('not known');
    await stage.replies('b');
    expect([stage.outcomes.at(-1), stage.told('error')]).toEqual([['b', 'b!'], []]);
  });

  it('runs while there is no connection, and the frame says what is left', async () => {
    const stage = new CommandsStage();
    stage.give('say', { timeoutMs: 5_000 });
    await stage.clock.advance(1_200);
    await stage.transport.opens();
    expect(stage.frameOf('say').timeoutMs).toBe(3_800);
  });

  it('may be over without a connection: then the command is never sent', async () => {
    const stage = new CommandsStage();
    const sent = stage.commanded.send('chat/7', 'say', {}, { timeoutMs: 2_000 });
    const rejected = expect(sent).rejects.toThrow('never sent');
    await stage.clock.advance(2_000);
    await rejected;
    await stage.transport.opens();
    expect(stage.transport.sent).toEqual([]);
  });

  it('is over when the machine has slept, before its timer says so', async () => {
    const stage = new CommandsStage();
    stage.give('say', { timeoutMs: 2_000 });
    const { now } = stage.clock;
    stage.clock.now = () => now.call(stage.clock) + 2_000;
    await stage.transport.opens();
    expect([stage.transport.sent, stage.outcomes]).toEqual([[], [['say', 'timeout']]]);
  });

  it('leaves no timer, however a command ends', async () => {
    const stage = await open();
    const before = stage.clock.pending;
    const abort = new AbortController();
    for (const name of ['replied', 'failed', 'refused', 'aborted', 'expired'])
      stage.give(name, { signal: abort.signal, timeoutMs: name === 'expired' ? 10 : 20_000 });
    expect(getEventListeners(abort.signal, 'abort').length).toBe(5);
    await stage.replies('replied');
    const error = { code: 'refused', message: 'no' };
    await stage.transport.says({ type: 'reply', uid: stage.frameOf('failed').uid, error });
    await stage.transport.says({ type: 'error', code: 'bad_field', message: 'no', n: 3 });
    await stage.clock.advance(10);
    expect(getEventListeners(abort.signal, 'abort').length).toBe(1);
    abort.abort();
    expect([stage.clock.pending, getEventListeners(abort.signal, 'abort').length]).toEqual([before, 0]);
  });
});

describe('a signal', () => {
  it('that is aborted already keeps the command from being sent', async () => {
    const stage = await open();
    stage.give('say', { signal: AbortSignal.abort('enough') });
    await settled();
    expect([stage.outcomes, stage.transport.sent]).toEqual([[['say', 'enough']], []]);
  });

  it('rejects with its reason; a command that waited is never sent', async () => {
    const stage = new CommandsStage();
    const abort = new AbortController();
    stage.give('say', { signal: abort.signal });
    abort.abort();
    await settled();
    expect(stage.outcomes).toEqual([['say', abort.signal.reason]]);
    expect(abort.signal.reason).toMatchObject({ name: 'AbortError' });
    await stage.transport.opens();
    expect(stage.transport.sent).toEqual([]);
  });

  it('ends the wait for the answer to a command that was sent, which is not sent again', async () => {
    const stage = await open();
    const abort = new AbortController();
    stage.give('say', { signal: abort.signal });
    abort.abort('enough');
    await stage.replies('say');
    await stage.reconnects();
    expect([stage.outcomes, stage.carried, stage.told('error')]).toEqual([
      [['say', 'enough']],
      [],
      ['transport_failed'],
    ]);
  });
});

describe('a command that waits', () => {
  it('is sent when Pomona opens, after those before it', async () => {
    const stage = new CommandsStage();
    for (const name of ['a', 'b']) stage.give(name);
    await stage.transport.opens();
    stage.give('c');
    expect(stage.carried).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
  });

  it('is sent also when it was given while Pomona was opening', async () => {
    const stage = new CommandsStage();
    stage.pomona.on('id', () => stage.give('say'));
    await stage.transport.opens();
    expect(stage.carried).toEqual([['say', 1]]);
  });

  it('is one of 1,000 at the most', async () => {
    const stage = new CommandsStage();
    for (let i = 0; i < MAX_CALLS; i++) stage.give(`${i}`);
    await settled();
    expect(stage.outcomes).toEqual([]);
    stage.give('one more');
    await settled();
    expect([MAX_CALLS, stage.outcomes]).toEqual([1_000, [['one more', 'outstanding_full']]]);
    await stage.transport.opens();
    expect(stage.carried.length).toBe(MAX_CALLS);
    await stage.replies('0');
    stage.give('there is room again');
    await settled();
    expect(stage.outcomes.at(-1)).toEqual(['0', '0!']);
    expect(stage.carried.at(-1)).toEqual(['there is room again', MAX_FRAMES + 1]);
  });

  it('is one of so many bytes at the most', async () => {
    const stage = new CommandsStage();
    const args = 'x'.repeat(65_000);
    let count = 0;
    for (; stage.outcomes.length === 0; await settled()) stage.give(`${count++}`, {}, args);
    expect(stage.outcomes).toEqual([[`${count - 1}`, 'outstanding_full']]);
    expect(count * 65_000).toBeGreaterThan(4_000_000);
    expect(count * 65_000).toBeLessThan(4_500_000);
  });

  it('waits for room too, and is not overtaken', async () => {
    const stage = await open();
    const args = 'x'.repeat(60_000);
    for (let i = 0; i < 20; i++) stage.give(`${i}`, {}, args);
    stage.give('small');
    const count = stage.carried.length;
    expect(count).toBeLessThan(20);
    await stage.replies('0');
    expect(stage.carried.length).toBe(count + 1);
    await stage.transport.says({ type: 'ping', received: count });
    expect(stage.carried.map(([name]) => name)).toEqual([...Array(20).keys(), 'small'].map(String));
  });
});

describe('a Pomona that closes', () => {
  it('rejects all that has no answer, sent or not, and what is given later', async () => {
    const stage = await open();
    const before = stage.clock.pending;
    stage.give('sent');
    await stage.loses();
    stage.give('waiting');
    stage.pomona.close();
    stage.give('late');
    await settled();
    expect(stage.outcomes.toSorted()).toEqual([
      ['late', 'closed'],
      ['sent', 'closed'],
      ['waiting', 'closed'],
    ]);
    expect(stage.clock.pending).toBeLessThan(before);
  });

  it('because Dobby dismissed it does so too', async () => {
    const stage = await open();
    stage.give('say');
    await stage.loses(4201);
    expect(stage.outcomes).toEqual([['say', 'closed']]);
  });
});

it('rejects all that has no answer when Pomona is reopened, where another visitor may be', async () => {
  const stage = await open();
  stage.give('sent');
  await stage.loses();
  stage.give('waiting');
  stage.pomona.reopen();
  await settled();
  await stage.transport.opens({ id: 'two' });
  const outcomes = ['sent', 'waiting'].map((name) => [name, 'disconnected']);
  expect([stage.outcomes, stage.carried]).toEqual([outcomes, []]);
});
