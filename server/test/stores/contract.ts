/**
 * What every broker must do, also one whose store is on another machine: it may answer later, and deliver before or after it answers.
 * A broker's test calls this with a way to make one; each test makes its own.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../protocol/frames.js';
import type { Broker, Published, Tail } from '../../src/core/log/broker.js';
import type { PathLog } from '../../src/core/log/path-log.js';
import type { Draft, LogEntry, Update } from '../../src/core/log/update.js';
import { LINES } from '../support/fake-carrier.js';

/** Makes a broker whose paths have wide logs and states, but for those that begin with `nolog`. */
export type CreateBroker = () => Broker | Promise<Broker>;

/** The entries that a log holds after an offset. */
export function entriesOf(log: PathLog | null, after = log?.floor ?? 0): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let entry = log?.after(after); entry !== undefined; entry = log?.after(entry.offset))
    entries.push(entry);
  return entries;
}

/** What is published unless a test says otherwise. */
export const draftOf = (path: string, message: Json, more: Partial<Draft> = {}): Draft => ({
  ...{ path, key: null, message, text: JSON.stringify(message), sender: '', except: null },
  ...more,
});

const ALL = { limit: 1_000, maxCharacters: 1_000_000 };
const once = (key: string, digest = 'digest') => ({ idempotency: { owner: '', key, digest } });

/** Runs the contract. */
export function brokerContract(name: string, create: CreateBroker): void {
  describe(`the ${name} broker`, () => {
    let broker: Broker;
    const delivered: Update[] = [];
    const tails = new Map<string, Tail | null>();
    /** Of each delivery, the head of the tail and the text of key `x` at that moment. */
    const seen: { head: number | undefined; x: string | undefined }[] = [];
    const start = async () => {
      delivered.length = 0;
      seen.length = 0;
      tails.clear();
      broker = await create();
      broker.start((update) => {
        const tail = tails.get(update.path);
        seen.push({ head: tail?.log.head.offset, x: tail?.state?.entries.get('x')?.text });
        delivered.push(update);
      });
    };
    const join = async (path: string) => {
      const tail = await broker.join(path);
      tails.set(path, tail);
      return tail;
    };
    const publishAll = async (...drafts: Draft[]): Promise<readonly Published[]> => {
      const outcome = await broker.publish(drafts);
      if ('error' in outcome) throw new Error(`${outcome.error.code} ${outcome.error.field}`);
      return outcome.value;
    };
    const publish = async (path: string, message: Json, more: Partial<Draft> = {}) =>
      (await publishAll(draftOf(path, message, more)))[0] as Published;
    const messagesOf = (path: string) =>
      delivered.filter((update) => update.path === path).map(({ message }) => message);
    const stateOf = async (path: string) =>
      (await broker.readState(path, ALL))?.entries.map(({ key, text, offset }) => [key, text, offset]);
    /** Waits for a delivery that may come later. */
    const eventually = async (isTrue: () => boolean, missing: string) => {
      for (let turns = 0; turns < 10_000 && !isTrue(); turns++) await new Promise(setImmediate);
      expect(isTrue(), missing).toBe(true);
    };
    afterEach(() => broker.stop());

    it('gives the updates of a path offsets from 1 in one epoch of 8 characters', async () => {
      await start();
      const positions: Published['position'][] = [];
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

    it('delivers each update of a joined path once, in order and without holes', async () => {
      await start();
      await join('a');
      const published = await Promise.all(Array.from({ length: 50 }, (_, i) => publish('a', i)));
      await eventually(() => delivered.length >= 50, 'all deliveries');
      expect(delivered.map(({ position }) => position?.offset)).toEqual(
        Array.from({ length: 50 }, (_, i) => i + 1),
      );
      for (const [i, { position }] of published.entries()) {
        expect(delivered.find((update) => update.message === i)?.position).toEqual(position);
      }
    });

    it('delivers what is published here, though nothing has joined the path', async () => {
      await start();
      await publish('a', 1);
      await eventually(() => delivered.length === 1, 'the delivery');
    });

    it('begins to deliver after the tail, whatever is published while it joins', async () => {
      await start();
      const before = Array.from({ length: 20 }, (_, i) => publish('a', i));
      const tail = join('a');
      const after = Array.from({ length: 20 }, (_, i) => publish('a', 20 + i));
      const head = (await tail)?.log.head.offset ?? 0;
      const offsets = () => delivered.map(({ position }) => position?.offset ?? 0);
      const rest = () => offsets().filter((offset) => offset > head);
      await Promise.all([...before, ...after]);
      await eventually(() => offsets().includes(40) || head === 40, 'the last delivery');
      expect(rest()).toEqual(Array.from({ length: 40 - head }, (_, i) => head + 1 + i));
    });

    it('delivers the whole update, framed as it travels', async () => {
      await start();
      const message = { text: 'Grüße 👋', list: [1, null, true] };
      await publish('räume/日本語', message, { sender: 'me', except: new Set(['you']) });
      await eventually(() => delivered.length === 1, 'the delivery');
      const [update] = delivered;
      expect(update).toMatchObject({ path: 'räume/日本語', message, sender: 'me', except: new Set(['you']) });
      expect(JSON.parse(String(update?.frame.encoded(LINES)))).toEqual({
        ...{ path: 'räume/日本語', message, position: update?.position },
      });
    });

    it('shows in every later call what was published', async () => {
      await start();
      const { position } = await publish('a', 'first', { key: 'x', sender: 'me', except: new Set(['you']) });
      expect((await broker.read('a', ALL))?.entries[0]).toMatchObject({
        ...{ offset: 1, key: 'x', sender: 'me', except: new Set(['you']) },
      });
      expect(await stateOf('a')).toEqual([['x', '"first"', 1]]);
      const tail = await join('a');
      expect(tail?.log.head).toEqual(position);
      expect(entriesOf(tail?.log ?? null).at(-1)?.offset).toBe(1);
      expect(tail?.state?.entries.get('x')?.text).toBe('"first"');
    });

    it('has an update and its change of the state in the tail when it delivers it', async () => {
      await start();
      await join('a');
      await publish('a', 1, { key: 'x' });
      await publish('a', 2, { key: 'x' });
      await eventually(() => seen.length === 2, 'both deliveries');
      expect(seen).toEqual([
        { head: 1, x: '1' },
        { head: 2, x: '2' },
      ]);
    });

    it('keeps log and head when a path is left, also before its join was answered', async () => {
      await start();
      const { position } = await publish('a', 1);
      await join('a');
      broker.leave('a');
      const unanswered = broker.join('a');
      broker.leave('a');
      await unanswered;
      expect((await publish('a', 2)).position).toEqual({ epoch: position?.epoch, offset: 2 });
      const tail = await join('a');
      expect(tail?.log.head.offset).toBe(2);
      await publish('a', 3);
      await eventually(() => messagesOf('a').includes(3), 'the delivery after the last join');
    });

    it('reads a log page by page, forwards and backwards, with its head and its floor', async () => {
      await start();
      for (let i = 1; i <= 5; i++) await publish('a', i);
      const read = async (range: object) => {
        const page = await broker.read('a', { ...ALL, ...range });
        return [page?.entries.map(({ offset }) => offset), page?.floor, page?.head.offset];
      };
      expect(await read({})).toEqual([[1, 2, 3, 4, 5], 0, 5]);
      expect(await read({ after: 2, limit: 2 })).toEqual([[3, 4], 0, 5]);
      expect(await read({ before: 4, limit: 2 })).toEqual([[3, 2], 0, 5]);
      expect(await read({ after: 5 })).toEqual([[], 0, 5]);
      expect(await read({ limit: 0 })).toEqual([[], 0, 5]);
      const { length } = JSON.stringify(delivered[0]?.message);
      expect(await read({ maxCharacters: length + 1 })).toEqual([[1, 2], 0, 5]);
    });

    it('answers a position for a path that was never used, and begins there', async () => {
      await start();
      const page = await broker.read('new', { limit: 0, maxCharacters: 0 });
      expect(page).toMatchObject({ head: { offset: 0 }, floor: 0, entries: [] });
      expect((await publish('new', 1)).position).toEqual({ epoch: page?.head.epoch, offset: 1 });
    });

    it('gives no position, no tail and no pages where the policy has no log', async () => {
      await start();
      expect(await join('nolog')).toBeNull();
      expect(await broker.read('nolog', ALL)).toBeNull();
      expect(await broker.readState('nolog', ALL)).toBeNull();
      expect(await broker.complete('nolog')).toBe(false);
      expect((await publish('nolog', 1)).position).toBeNull();
      await eventually(() => delivered.length === 1, 'the delivery');
      expect(String(delivered[0]?.frame.encoded(LINES))).toBe('{"path":"nolog","message":1}\n');
      expect(() => broker.leave('nolog')).not.toThrow();
    });

    it('keeps the newest message of each key; null removes it, and travels like any update', async () => {
      await start();
      await publish('a', 1, { key: 'x' });
      await publish('a', 1, { key: '__proto__' });
      await publish('a', 2, { key: 'y' });
      await publish('a', 'no key');
      await publish('a', 3, { key: 'y' });
      await publish('a', null, { key: 'x' });
      await publish('a', null, { key: 'never there' });
      expect(await stateOf('a')).toEqual([
        ['__proto__', '1', 2],
        ['y', '3', 5],
      ]);
      const tail = await join('a');
      expect([...(tail?.state?.entries.keys() ?? [])]).toEqual(['__proto__', 'y']);
      await eventually(() => delivered.length === 7, 'all deliveries');
      expect(messagesOf('a')).toEqual([1, 1, 2, 'no key', 3, null, null]);
    });

    it('reads a state page by page in the order of its keys, or named keys', async () => {
      await start();
      for (const key of ['c', 'a', 'd', 'b']) await publish('a', key, { key });
      const read = async (range: object) => {
        const page = await broker.readState('a', { ...ALL, ...range });
        return [page?.entries.map(({ key }) => key), page?.next, page?.head.offset];
      };
      expect(await read({ limit: 3 })).toEqual([['a', 'b', 'c'], 'c', 4]);
      expect(await read({ limit: 3, after: 'c' })).toEqual([['d'], null, 4]);
      expect(await read({ keys: ['d', 'a', 'none'] })).toEqual([['a', 'd'], null, 4]);
    });

    it('publishes several drafts of a path in one step, or none of them', async () => {
      await start();
      await publish('a', 1, { key: 'x' });
      const wrong = broker.publish([
        draftOf('a', 2),
        draftOf('a', 3, { key: 'y' }),
        draftOf('a', 4, { key: 'x', version: 7 }),
      ]);
      expect(await wrong).toMatchObject({ error: { code: 'state_conflict', field: 'version' } });
      expect((await broker.read('a', ALL))?.head.offset).toBe(1);
      const positions = await publishAll(
        draftOf('a', 2),
        draftOf('a', 3, { key: 'y', version: null }),
        draftOf('a', 4, { key: 'x', version: 1 }),
      );
      expect(positions.map(({ position }) => position?.offset)).toEqual([2, 3, 4]);
      await expect(publishAll(draftOf('a', 1, { key: 'z' }), draftOf('a', 2, { key: 'z' }))).rejects.toThrow(
        'bad_field key',
      );
      await eventually(() => delivered.length === 4, 'all deliveries');
      expect(messagesOf('a')).toEqual([1, 2, 3, 4]);
    });

    it('lets one of many that name the same version win', async () => {
      await start();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => publish('a', i, { key: 'x', version: null })),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('publishes once what comes again with the same idempotency key, also at the same time', async () => {
      await start();
      const all = await Promise.all([1, 2, 3].map(() => publish('a', 1, once('k'))));
      expect(all.filter(({ isRepeated }) => !isRepeated)).toHaveLength(1);
      expect(new Set(all.map(({ position }) => position?.offset))).toEqual(new Set([1]));
      await expect(publish('a', 2, once('k', 'another'))).rejects.toThrow('idempotency_key_reused');
      expect((await publish('b', 1, once('k'))).isRepeated).toBe(false);
      expect((await publish('nolog', 1, once('k'))).isRepeated).toBe(false);
      expect(await publish('nolog', 1, once('k'))).toEqual({ position: null, isRepeated: true });
      await eventually(() => delivered.length === 3, 'all deliveries');
    });

    it('keeps no idempotency key of what it refuses', async () => {
      await start();
      await expect(publish('nolog', 1, { key: 'x', ...once('k') })).rejects.toThrow('no_state');
      expect((await publish('nolog', 1, once('k'))).isRepeated).toBe(false);
    });

    it('refuses a key on a path without a state, and then stores and delivers nothing', async () => {
      await start();
      await expect(publish('nolog', 1, { key: 'x' })).rejects.toThrow('no_state key');
      for (let turns = 0; turns < 100; turns++) await new Promise(setImmediate);
      expect(delivered).toEqual([]);
    });

    it('tells the policy of a path without beginning to keep it', async () => {
      await start();
      expect(broker.policyOf('a')).toMatchObject({ log: expect.any(Object), state: expect.any(Object) });
      expect(broker.policyOf('nolog')).toMatchObject({ log: null, state: null });
    });

    it('can be stopped twice', async () => {
      await start();
      broker.stop();
      expect(() => broker.stop()).not.toThrow();
    });
  });
}
