/** What every broker must do. A broker's test calls this with a way to make one; each test makes its own. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../protocol/frames.js';
import type { Broker } from '../../src/core/log/broker.js';
import type { PathLog } from '../../src/core/log/path-log.js';
import type { LogEntry, Update } from '../../src/core/log/update.js';

/** Makes a broker whose paths have wide logs, but for those that begin with `nolog`. */
export type CreateBroker = () => Broker | Promise<Broker>;

/** The entries that a log holds after an offset. */
export function entriesOf(log: PathLog | null, after = 0): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let entry = log?.after(after); entry !== undefined; entry = log?.after(entry.offset))
    entries.push(entry);
  return entries;
}

/** Runs the contract. */
export function brokerContract(name: string, create: CreateBroker): void {
  describe(`the ${name} broker`, () => {
    let broker: Broker;
    const delivered: Update[] = [];
    const start = async () => {
      delivered.length = 0;
      broker = await create();
      broker.start((update) => delivered.push(update));
    };
    const publish = async (
      path: string,
      message: Json,
      more: Partial<Parameters<Broker['publish']>[0]> = {},
    ) => {
      const draft = { path, key: null, message, text: JSON.stringify(message), sender: '', except: null };
      const outcome = await broker.publish({ ...draft, ...more });
      if ('error' in outcome) throw new Error(outcome.error.code);
      return outcome.value;
    };
    const holdLog = (path: string) => broker.hold(path)?.log ?? null;
    const stateOf = (path: string) =>
      [...(broker.hold(path)?.state?.entries.values() ?? [])].map(({ key, text, offset }) => [
        key,
        text,
        offset,
      ]);
    afterEach(() => broker.stop());

    it('gives the updates of a path offsets from 1 in one epoch of 8 characters', async () => {
      await start();
      const positions: Update['position'][] = [];
      for (let i = 1; i <= 5; i++) positions.push((await publish('a', i)).position);
      expect(positions.map((position) => position?.offset)).toEqual([1, 2, 3, 4, 5]);
      expect(new Set(positions.map((position) => position?.epoch)).size).toBe(1);
      expect(positions[0]?.epoch).toMatch(/^[0-9a-z]{8}$/);
    });

    it('counts each path by itself, in an epoch of its own', async () => {
      await start();
      const a = (await publish('a', 1)).position;
      const b = (await publish('b', 1)).position;
      expect([a?.offset, b?.offset]).toEqual([1, 1]);
      expect(a?.epoch).not.toBe(b?.epoch);
    });

    it('hands over each update once, before "publish" has answered, in the order of its path', async () => {
      await start();
      for (let i = 1; i <= 20; i++) {
        const update = await publish(i % 2 === 0 ? 'a' : 'b', i);
        expect(delivered.filter(({ message }) => message === i)).toHaveLength(1);
        expect(delivered.find(({ message }) => message === i)?.position).toEqual(update.position);
      }
      const ofA = delivered.filter(({ path }) => path === 'a').map(({ position }) => position?.offset);
      expect(ofA).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    });

    it('keeps the order of what is published at once', async () => {
      await start();
      const updates = await Promise.all(Array.from({ length: 50 }, (_, i) => publish('a', i)));
      expect(updates.map(({ position }) => position?.offset)).toEqual(
        Array.from({ length: 50 }, (_, i) => i + 1),
      );
      expect(delivered.map(({ message }) => message)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    });

    it('hands over the whole update, framed as it travels', async () => {
      await start();
      const message = { text: 'Grüße 👋', list: [1, null, true] };
      await publish('räume/日本語', message, { sender: 'me', except: new Set(['you']) });
      const [update] = delivered;
      expect(update).toMatchObject({ path: 'räume/日本語', message, sender: 'me', except: new Set(['you']) });
      expect(JSON.parse(update?.frame.text ?? '')).toEqual({
        path: 'räume/日本語',
        message,
        position: update?.position,
      });
    });

    it('shows what was published in the log of its path, at once and without a gap', async () => {
      await start();
      const log = holdLog('a');
      expect(log?.head.offset).toBe(0);
      await publish('a', 'first', { sender: 'me', except: new Set(['you']) });
      await publish('a', 'second');
      expect(log?.head).toEqual(delivered[1]?.position);
      expect(entriesOf(log).map(({ text }) => text)).toEqual(delivered.map(({ frame }) => frame.text));
      expect(entriesOf(log)[0]).toMatchObject({ offset: 1, sender: 'me', except: new Set(['you']) });
      expect(entriesOf(log, 1)).toHaveLength(1);
    });

    it('has stored an update when it hands it over', async () => {
      broker = await create();
      const log = holdLog('a');
      const heads: unknown[] = [];
      broker.start(() => heads.push(log?.head.offset));
      await publish('a', 1);
      await publish('a', 2);
      expect(heads).toEqual([1, 2]);
    });

    it('gives the same log to everybody who holds the path', async () => {
      await start();
      await publish('a', 1);
      expect(holdLog('a')).toBe(holdLog('a'));
    });

    it('keeps the log and the head when the last one lets go', async () => {
      await start();
      const head = holdLog('a')?.head;
      await publish('a', 1);
      broker.release('a');
      const { position } = await publish('a', 2);
      expect(position).toEqual({ epoch: head?.epoch, offset: 2 });
      expect(entriesOf(holdLog('a'))).toHaveLength(2);
    });

    it('gives no position and no log where the policy has none', async () => {
      await start();
      expect(broker.hold('nolog')).toBeNull();
      expect((await publish('nolog', 1)).position).toBeNull();
      expect(delivered).toHaveLength(1);
      expect(JSON.parse(delivered[0]?.frame.text ?? '')).toEqual({ path: 'nolog', message: 1 });
      expect(() => broker.release('nolog')).not.toThrow();
    });

    it('stores and hands over nothing when it refuses, and uses up no offset', async () => {
      await start();
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      await expect(publish('a', circular as Json)).rejects.toThrow();
      expect(delivered).toEqual([]);
      expect(entriesOf(holdLog('a'))).toEqual([]);
      expect((await publish('a', 1)).position?.offset).toBe(1);
    });

    it('keeps the newest message of each key, in the order of their last change', async () => {
      await start();
      for (const [key, message] of [
        ['x', 1],
        ['y', 2],
        ['x', 3],
        ['z', 4],
      ] as const)
        await publish('a', message, { key });
      await publish('a', 'no key');
      expect(stateOf('a')).toEqual([
        ['y', '2', 2],
        ['x', '3', 3],
        ['z', '4', 4],
      ]);
      expect(JSON.parse(delivered[0]?.frame.text ?? '')).toMatchObject({ path: 'a', key: 'x', message: 1 });
      expect(entriesOf(holdLog('a')).map(({ key }) => key)).toEqual(['x', 'y', 'x', 'z', null]);
    });

    it('removes a key with null, and delivers and logs that like any update', async () => {
      await start();
      await publish('a', 1, { key: 'x' });
      await publish('a', 1, { key: '__proto__' });
      await publish('a', null, { key: 'x' });
      await publish('a', null, { key: 'never there' });
      expect(stateOf('a')).toEqual([['__proto__', '1', 2]]);
      expect(delivered.map(({ message }) => message)).toEqual([1, 1, null, null]);
      expect(holdLog('a')?.head.offset).toBe(4);
    });

    it('has changed the state when it hands the update over', async () => {
      broker = await create();
      const { state } = broker.hold('a') ?? {};
      const values: unknown[] = [];
      broker.start(() => values.push(state?.entries.get('x')?.text));
      await publish('a', 1, { key: 'x' });
      await publish('a', 2, { key: 'x' });
      expect(values).toEqual(['1', '2']);
    });

    it('tells the policy of a path without beginning to keep it', async () => {
      await start();
      expect(broker.policyOf('a')).toMatchObject({ log: expect.any(Object), state: expect.any(Object) });
      expect(broker.policyOf('nolog')).toMatchObject({ log: null, state: null });
    });

    it('refuses a key on a path without a state, and then stores and delivers nothing', async () => {
      await start();
      await expect(publish('nolog', 1, { key: 'x' })).rejects.toThrow('no_state');
      expect(delivered).toEqual([]);
    });

    it('can be stopped twice', async () => {
      await start();
      broker.stop();
      expect(() => broker.stop()).not.toThrow();
    });
  });
}
