import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.js';
import { MAX_CALLS } from '../../src/commands/calls.js';
import { CommandError, withCommands } from '../../src/commands/index.js';
import { PomonaError } from '../../src/index.js';
import { MAX_FRAMES } from '../../src/outstanding.js';
import { Stage, settled } from '../support.js';
import { CommandsStage, open } from './support.js';

describe('a command', () => {
  it('is sent at once, and its promise is for the reply', async () => {
    const stage = await open();
    const reply = stage.commanded.send<{ id: number }>('chat/7', 'say', { text: 'Hello' });
    const { uid } = stage.frameOf('say');
    expect(stage.transport.sent).toEqual([
      {
        type: 'command',
        n: 1,
        uid,
        path: 'chat/7',
        command: 'say',
        args: { text: 'Hello' },
        timeoutMs: 30_000,
      },
    ]);
    await stage.replies('say', { id: 12 });
    expect((await reply).id).toBe(12);
  });

  it('has an empty object as arguments when there are none, and says what it was told', async () => {
    const stage = await open();
    stage.give('say', { idempotent: true, timeoutMs: 1_500.5 });
    expect(stage.frameOf('say')).toMatchObject({ args: {}, idempotent: true, timeoutMs: 1_501 });
  });

  it.each([null, false, 0, '', [], [1, { a: null }]])('takes %j as arguments and as reply', async (value) => {
    const stage = await open();
    stage.give('say', {}, value);
    await stage.replies('say', value);
    expect([stage.frameOf('say').args, stage.outcomes]).toEqual([value, [['say', value]]]);
  });

  it('is sent with the arguments as they were when it was given', async () => {
    const stage = new CommandsStage();
    const args = { text: 'Hello' };
    stage.give('say', {}, args);
    args.text = 'changed';
    await stage.transport.opens();
    expect(stage.frameOf('say').args).toEqual({ text: 'Hello' });
  });

  it('is one of several in a tick, which are sent in their order', async () => {
    const stage = await open();
    for (const name of ['a', 'b', 'c']) stage.give(name);
    expect(stage.carried).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
  });

  it('is answered in any order', async () => {
    const stage = await open();
    for (const name of ['a', 'b', 'c']) stage.give(name);
    for (const name of ['c', 'a', 'b']) await stage.replies(name);
    expect(stage.outcomes).toEqual([
      ['c', 'c!'],
      ['a', 'a!'],
      ['b', 'b!'],
    ]);
  });

  it('has a uid of its own, also among those of other Pomonas', async () => {
    const [one, other] = [await open(), new CommandsStage({ random: () => 0.123456789 })];
    await other.transport.opens();
    for (const stage of [one, other]) for (const name of ['a', 'b']) stage.give(name);
    const uids = [one, other].flatMap((stage) => stage.transport.sentOf('command').map(({ uid }) => uid));
    expect(new Set(uids).size).toBe(4);
    for (const uid of uids) expect(uid.length).toBeLessThanOrEqual(LIMITS.uidCharacters);
  });

  it('has a uid also when chance gives nothing', async () => {
    const stage = new CommandsStage({ random: () => 0 });
    await stage.transport.opens();
    stage.give('a');
    expect(stage.frameOf('a').uid).not.toBe('');
  });
});

describe('an error', () => {
  it('rejects with what came of it', async () => {
    const stage = await open();
    const sent = stage.commanded.send('chat/7', 'say', { text: '' });
    const error = {
      code: 'refused',
      message: 'Full.',
      field: 'args.text',
      reason: 'full',
      data: { seats: 12 },
    };
    await stage.transport.says({ type: 'reply', uid: stage.frameOf('say').uid, error });
    const caught: unknown = await sent.catch((reason: unknown) => reason);
    expect(caught).toBeInstanceOf(CommandError);
    expect(caught).toBeInstanceOf(PomonaError);
    expect(caught).toMatchObject({ ...error, name: 'CommandError', path: 'chat/7', command: 'say' });
  });

  it('has nothing that did not come', async () => {
    const stage = await open();
    const sent = stage.commanded.send('chat/7', 'say');
    const error = { code: 'unknown_command', message: 'No.' };
    await stage.transport.says({ type: 'reply', uid: stage.frameOf('say').uid, error });
    await expect(sent).rejects.toMatchObject({ field: undefined, reason: undefined, data: undefined });
  });

  it('of a frame is that of the command whose number it has, and no event', async () => {
    const stage = await open();
    for (const name of ['a', 'b']) stage.give(name);
    const sent = stage.commanded.send('chat/7', 'c');
    await stage.transport.says({ type: 'error', code: 'bad_field', message: 'no', field: 'uid', n: 3 });
    await expect(sent).rejects.toMatchObject({ code: 'bad_field', field: 'uid', command: 'c' });
    expect([stage.outcomes, stage.told('error')]).toEqual([[], []]);
  });

  it('of another frame is an event, as without commands', async () => {
    const stage = await open();
    stage.pomona.connect('a', () => {});
    await settled();
    stage.give('say');
    await stage.transport.says({ type: 'error', code: 'bad_field', message: 'no', n: 1 });
    await stage.transport.says({ type: 'error', code: 'bad_json', message: 'no' });
    expect(stage.told('error')).toEqual(['bad_field', 'bad_json']);
    expect(stage.told('refused')).toEqual([expect.objectContaining({ path: 'a', code: 'bad_field' })]);
    expect(stage.outcomes).toEqual([]);
  });

  it('that a number was lost makes Pomona come back, and send the command again', async () => {
    const stage = await open();
    stage.give('say');
    await stage.transport.says({ type: 'error', code: 'bad_sequence', message: 'no', n: 1 });
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true, connection: 2 });
    expect([stage.carried, stage.outcomes]).toEqual([[['say', 1]], []]);
  });
});

describe('a reply', () => {
  it('to what is not known is ignored', async () => {
    const stage = await open();
    stage.give('say');
    await stage.transport.says({ type: 'reply', uid: 'other', reply: 1 });
    expect([stage.outcomes, stage.told('error')]).toEqual([[], []]);
  });

  it('that comes twice counts once', async () => {
    const stage = await open();
    stage.give('say');
    await stage.replies('say', 1);
    await stage.replies('say', 2);
    expect([stage.outcomes, stage.told('error')]).toEqual([[['say', 1]], []]);
  });

  it('that is none is told, and the command goes on', async () => {
    const stage = await open();
    stage.give('say');
    const { uid } = stage.frameOf('say');
    const broken = [
      {},
      { uid },
      { uid: 7, reply: 1 },
      { uid, error: null },
      { uid, error: 'no' },
      { uid, error: { code: 'refused' } },
      { uid, error: { code: 7, message: 'no' } },
      { uid, error: { code: 'refused', message: 'no', field: 7 } },
      { uid, error: { code: 'refused', message: 'no', reason: {} } },
    ];
    for (const fields of broken) await stage.transport.says({ type: 'reply', ...fields });
    expect(stage.told('error')).toEqual(broken.map(() => 'bad_answer'));
    await stage.replies('say');
    expect(stage.outcomes).toEqual([['say', 'say!']]);
  });
});

describe('what is wrong with a command', () => {
  const circle: unknown[] = [];
  circle.push(circle);

  it.each([
    [['', 'say'], 'bad_path', 'path'],
    [[7, 'say'], 'bad_path', 'path'],
    [[undefined], 'bad_path', 'path'],
    [[1n, 'say'], 'bad_path', 'path'],
    [['a*', 'say'], 'bad_path', 'path'],
    [['::all', 'say'], 'reserved_path', 'path'],
    [['a', ''], 'bad_field', 'command'],
    [['a'], 'bad_field', 'command'],
    [['a', 'x'.repeat(256)], 'bad_field', 'command'],
    [['a', 'ü'.repeat(128)], 'bad_field', 'command'],
    [['a', 'say\n'], 'bad_field', 'command'],
    [['a', 'say', () => 1], 'bad_field', 'args'],
    [['a', 'say', Symbol('a')], 'bad_field', 'args'],
    [['a', 'say', 1n], 'bad_field', 'args'],
    [['a', 'say', circle], 'bad_field', 'args'],
    [['a', 'say', 'x'.repeat(LIMITS.frameBytes)], 'too_large', 'args'],
    [['a', 'say', 'ü'.repeat(LIMITS.frameBytes / 2)], 'too_large', 'args'],
    [['a', 'say', {}, null], 'bad_field', 'options'],
    [['a', 'say', {}, 1_000], 'bad_field', 'options'],
    [['a', 'say', {}, { timeoutMs: 0 }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { timeoutMs: -1 }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { timeoutMs: Number.NaN }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { timeoutMs: Number.POSITIVE_INFINITY }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { timeoutMs: '1' }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { signal: {} }], 'bad_field', 'signal'],
    [['a', 'say', {}, { idempotent: 1 }], 'bad_field', 'idempotent'],
    [['a', 'say', {}, { retries: 3 }], 'unknown_field', 'retries'],
    [['a', 'say', {}, { constructor: 3 }], 'unknown_field', 'constructor'],
  ])('is told by its promise: case %#', async (given, code, field) => {
    const stage = await open();
    const send = stage.commanded.send as (...given: unknown[]) => Promise<unknown>;
    await expect(send(...given)).rejects.toMatchObject({ name: 'CommandError', code, field });
    expect([stage.transport.sent, stage.pomona.state]).toEqual([[], 'open']);
  });

  it('is nothing when an option is undefined, or arguments are as large as they may be', async () => {
    const stage = await open();
    const options = { timeoutMs: undefined, signal: undefined, idempotent: undefined };
    stage.give('say', options, 'x'.repeat(LIMITS.frameBytes - 300));
    expect(stage.carried).toEqual([['say', 1]]);
  });
});

describe('a frame', () => {
  it('is never larger than the server takes, with all that it can say', async () => {
    const stage = await open();
    const options = { idempotent: true, timeoutMs: 2 ** 31 - 1 };
    let length = LIMITS.frameBytes - 300;
    for (; stage.outcomes.length === 0; length++) {
      stage.give('x'.repeat(255), options, 'x'.repeat(length - 255));
      await settled();
      if (stage.outcomes.length === 0) await stage.replies('x'.repeat(255)).then(() => stage.outcomes.pop());
    }
    const largest = { ...stage.frameOf('x'.repeat(255)), again: true, n: Number.MAX_SAFE_INTEGER };
    const bytes = JSON.stringify({ ...largest, uid: 'u'.repeat(LIMITS.uidCharacters) }).length;
    expect(stage.outcomes).toEqual([[expect.any(String), 'too_large']]);
    expect(bytes).toBeLessThanOrEqual(LIMITS.frameBytes);
    expect(bytes).toBeGreaterThan(LIMITS.frameBytes - 32);
  });
});

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

describe('withCommands', () => {
  it('returns the same Pomona, once or twice', async () => {
    const stage = await open();
    const { send } = stage.commanded;
    expect([withCommands(stage.commanded), withCommands(stage.pomona)]).toEqual([stage.pomona, stage.pomona]);
    expect(stage.commanded.send).toBe(send);
    stage.give('say');
    expect(stage.carried.length).toBe(1);
  });

  it('leaves other extensions what is theirs', async () => {
    const stage = new Stage();
    const taken: string[] = [];
    const take = ({ type }: { type: string }): void => void taken.push(type);
    stage.pomona.extend({ opened: take, error: take });
    withCommands(stage.pomona);
    await stage.transport.opens();
    await stage.transport.says({ type: 'error', code: 'bad_json', message: 'no' });
    expect(taken).toEqual(['opened', 'error']);
  });

  it('can come when Pomona is open already, and knows its session then', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    const sent = withCommands(stage.pomona).send('chat/7', 'say', {}, { timeoutMs: 5_000 });
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true, connection: 2, received: 1 });
    const [frame] = stage.transport.sentOf('command');
    expect(frame).toMatchObject({ n: 2, again: true, timeoutMs: 4_000 });
    await stage.transport.says({ type: 'reply', uid: frame?.uid, reply: 'done' });
    expect(await sent).toBe('done');
  });
});
