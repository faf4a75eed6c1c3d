import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.js';
import { CommandError, withCommands } from '../../src/commands/index.js';
import { PomonaError } from '../../src/index.js';
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

describe('withCommands', () => {
  it('returns the same Pomona, once or twice', async () => {
    const stage = await open();
    const { send } = stage.commanded;
    expect([withCommands(stage.commanded), withCommands(stage.pomona)]).toEqual([stage.pomona, stage.pomona]);
    expect(stage.commanded.send).toBe(send);
    stage.give('say');
    expect(stage.carried.length).toBe(1);
  });

  it('leaves other features what is theirs', async () => {
    const stage = new Stage();
    const taken: string[] = [];
    const take = ({ type }: { type: string }): void => void taken.push(type);
    stage.pomona.extend('x', () => ({ opened: take, frames: { error: take } }));
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
