/**
 * What every transport must do, in the words of docs/protocol.md. It runs against a real server over real sockets: directly in contract.test.ts,
 * through nginx in e2e/nginx.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dobby } from '../../src/index.js';
import {
  type AnyFrame,
  type OpenWire,
  openEventStream,
  openLongPoll,
  openWebSocket,
  type TestWire,
} from './wires.js';

/** The transports by name. */
export const OPENERS = {
  websocket: openWebSocket,
  'event-stream': openEventStream,
  'long-poll': openLongPoll,
} satisfies Record<string, OpenWire>;

/** A server under test, and the address that its clients use. */
export interface Subject {
  readonly dobby: Dobby;
  readonly endpoint: string;
  stop(): Promise<void>;
}

const OPEN = { type: 'open', protocol: 1 };

const isUpdate = (frame: AnyFrame): boolean => !('type' in frame);
const ofType = (type: string) => (frame: AnyFrame) => frame['type'] === type;
const messages = (frames: AnyFrame[]): unknown[] => frames.map((frame) => frame['message']);

async function updates(wire: TestWire, count: number): Promise<AnyFrame[]> {
  const taken: AnyFrame[] = [];
  while (taken.length < count)
    taken.push(await wire.until(`update ${taken.length + 1} of ${count}`, isUpdate));
  return taken;
}

/** The paths of the next `subscribed` frames, so many of them: a path is told when its store has joined it. */
async function subscribed(wire: TestWire, count: number): Promise<string[]> {
  const paths: string[] = [];
  while (paths.length < count) {
    const frame = await wire.until(`subscribed, of ${paths.length} out of ${count}`, ofType('subscribed'));
    paths.push(...frame['paths'].map((it: AnyFrame) => it['path']));
  }
  return paths;
}

/** Runs the contract for one transport. */
export function describeTransport(name: string, open: OpenWire, start: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    let made = 0;
    const fresh = (): string => `demo/${name}/${++made}/${Math.random().toString(36).slice(2)}`;
    const connect = (frame: object = {}): Promise<TestWire> => open(subject.endpoint, { ...OPEN, ...frame });
    const resume = (from: TestWire, paths: object[], by: OpenWire = open): Promise<TestWire> =>
      by(subject.endpoint, { ...OPEN, ticket: from.opened['ticket'], paths });

    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.stop());

    it('opens a session with a public id and a private ticket', async () => {
      const wire = await connect();
      expect(wire.opened).toMatchObject({ type: 'opened', connection: 1, resumed: false, received: 0 });
      expect(wire.opened['id']).toMatch(/^[\w-]{22,}$/);
      expect(wire.opened['ticket']).not.toBe(wire.opened['id']);
      wire.cut();
    });

    it('says subscribed before any update, and delivers updates in order', async () => {
      const path = fresh();
      const wire = await connect({ paths: [{ path }] });
      const subscribed = await wire.next('subscribed');
      expect(subscribed).toMatchObject({ type: 'subscribed', paths: [{ path, position: { offset: 0 } }] });
      for (let i = 1; i <= 50; i++) await subject.dobby.update(path, { i });
      expect(messages(await updates(wire, 50))).toEqual(Array.from({ length: 50 }, (_, i) => ({ i: i + 1 })));
      wire.cut();
    });

    it('carries every JSON value and every kind of character unaltered', async () => {
      const path = `${fresh()}/ü – 𝄞 "quoted" \\ /`;
      const wire = await connect({ paths: [{ path }] });
      await wire.next('subscribed');
      const values = [
        null,
        true,
        0,
        -1.5e-7,
        '',
        'line\nbreak\r\n\n\ndata: x\u2028\u0000',
        ['𝄞', [], {}],
        { '': { a: null } },
      ];
      for (const value of values) await subject.dobby.update(path, value);
      const taken = await updates(wire, values.length);
      expect(messages(taken)).toEqual(values);
      expect(taken[0]?.['path']).toBe(path);
      wire.cut();
    });

    it('decides each path by itself: subscribed, pending, refused', async () => {
      const path = fresh();
      const wire = await connect();
      await wire.send({
        type: 'subscribe',
        n: 1,
        paths: [{ path }, { path: 'private/1' }, { path: '::connect' }, { path: 'a*' }],
      });
      const told = [await wire.next(), await wire.next(), await wire.next()];
      const of = (type: string) => told.find(ofType(type))?.['paths'];
      expect(of('subscribed')).toMatchObject([{ path }]);
      expect(of('pending')).toEqual(['private/1']);
      expect(of('refused')).toMatchObject([
        { path: '::connect', code: 'reserved_path' },
        { path: 'a*', code: 'bad_path' },
      ]);
      wire.cut();
    });

    it('hears a path once the back end has connected it, asked or not', async () => {
      const wire = await connect({ paths: [{ path: 'private/asked' }] });
      await wire.until('pending', ofType('pending'));
      await subject.dobby.connect(wire.opened['id'], ['private/asked', 'private/unasked'], 'ada');
      expect((await subscribed(wire, 2)).sort()).toEqual(['private/asked', 'private/unasked']);
      await subject.dobby.update('private/unasked', 'hello');
      expect(messages(await updates(wire, 1))).toEqual(['hello']);
      const mallory = subject.dobby.connect(wire.opened['id'], ['private/more'], 'mallory');
      await expect(mallory).rejects.toThrow(/user_mismatch/);
      wire.cut();
    });

    it('hears nothing after the back end has disconnected it', async () => {
      const wire = await connect();
      await subject.dobby.connect(wire.opened['id'], ['private/taken']);
      await wire.until('subscribed', ofType('subscribed'));
      await subject.dobby.disconnect(wire.opened['id'], ['private/taken']);
      expect(await wire.until('unsubscribed', ofType('unsubscribed'))).toMatchObject({
        paths: ['private/taken'],
        by: 'back_end',
      });
      await subject.dobby.update('private/taken', 'secret');
      await subject.dobby.connect(wire.opened['id'], ['private/other']);
      await wire.until('subscribed to the other', ofType('subscribed'));
      await subject.dobby.update('private/other', 'open');
      expect(messages(await updates(wire, 1))).toEqual(['open']);
      wire.cut();
    });

    it('does not deliver to excepted sessions, live or replayed', async () => {
      const path = fresh();
      const wire = await connect({ paths: [{ path }] });
      const { paths } = await wire.next('subscribed');
      await subject.dobby.update(path, 1, { except: [wire.opened['id']] });
      await subject.dobby.update(path, 2);
      expect(messages(await updates(wire, 1))).toEqual([2]);
      wire.cut();
      const again = await resume(wire, [{ path, position: paths[0].position }]);
      expect(messages(await updates(again, 1))).toEqual([2]);
      again.cut();
    });

    it('replays what was missed before anything live, and keeps the id', async () => {
      const path = fresh();
      const wire = await connect({ paths: [{ path }] });
      await wire.next('subscribed');
      await subject.dobby.update(path, 1);
      const [first] = await updates(wire, 1);
      wire.cut();
      for (let i = 2; i <= 30; i++) await subject.dobby.update(path, i);
      const again = await resume(wire, [{ path, position: first?.['position'] }]);
      await subject.dobby.update(path, 31);
      expect(again.opened).toMatchObject({ id: wire.opened['id'], resumed: true, connection: 2 });
      expect(await again.next()).toMatchObject({
        type: 'subscribed',
        paths: [{ path, position: first?.['position'] }],
      });
      expect(messages(await updates(again, 30))).toEqual(Array.from({ length: 30 }, (_, i) => i + 2));
      again.cut();
    });

    it('tells exactly one gap for a position of another epoch, then all that the log holds', async () => {
      const path = fresh();
      await subject.dobby.update(path, 'held');
      const position = { epoch: 'zzzzzzzz', offset: 7 };
      const wire = await connect({ paths: [{ path, position }] });
      await wire.next('subscribed');
      expect(await wire.next()).toMatchObject({
        type: 'gap',
        path,
        from: position,
        to: { offset: 0 },
        reason: 'restarted',
      });
      expect(messages(await updates(wire, 1))).toEqual(['held']);
      wire.cut();
    });

    it.each(Object.entries(OPENERS))('moves to %s with its id and misses nothing', async (_other, by) => {
      if (subject.endpoint.includes('no-upgrade') && by === openWebSocket) return;
      const path = fresh();
      const wire = await connect({ paths: [{ path }] });
      const { paths } = await wire.next('subscribed');
      await subject.dobby.update(path, 'before');
      const moved = await resume(wire, [{ path, position: paths[0].position }], by);
      expect(moved.opened['id']).toBe(wire.opened['id']);
      expect(messages(await updates(moved, 1))).toEqual(['before']);
      expect(await wire.closed).toBe(4200);
      await subject.dobby.update(path, 'after');
      expect(messages(await updates(moved, 1))).toEqual(['after']);
      moved.cut();
    });

    it('lets the newest connection win and drops what the older one sends', async () => {
      const wire = await connect();
      const newer = await resume(wire, []);
      expect(await wire.closed).toBe(4200);
      const sent = await wire
        .send({ type: 'subscribe', n: 1, paths: [{ path: fresh() }] })
        .catch((error) => error.answer);
      if (sent !== null) expect(sent).toMatchObject({ error: { code: 'taken_over' } });
      await newer.send({ type: 'subscribe', n: 1, paths: [{ path: 'demo/newer' }] });
      expect(await newer.next()).toMatchObject({ type: 'subscribed', paths: [{ path: 'demo/newer' }] });
      newer.cut();
    });

    it('begins before the last updates that are asked for, as far as the log holds them', async () => {
      const path = fresh();
      for (let i = 1; i <= 5; i++) await subject.dobby.update(path, i);
      const wire = await connect({ paths: [{ path, last: 2 }] });
      expect(await wire.next()).toMatchObject({ type: 'subscribed', paths: [{ position: { offset: 3 } }] });
      expect(messages(await updates(wire, 2))).toEqual([4, 5]);
      const all = await connect({ paths: [{ path, last: 1_000 }] });
      await all.next('subscribed');
      expect(messages(await updates(all, 5))).toEqual([1, 2, 3, 4, 5]);
      for (const each of [wire, all]) each.cut();
    });

    it('says which attempt has taken the session over, where that named one', async () => {
      const attempt = 4;
      for (const [more, named] of [
        [{ attempt }, attempt],
        [{}, undefined],
      ] as const) {
        const wire = await connect({ attempt });
        const newer = await open(subject.endpoint, { ...OPEN, ticket: wire.opened['ticket'], ...more });
        const closing = await wire.until('closing', ofType('closing'));
        expect([closing['code'], closing['attempt']]).toEqual([4200, named]);
        newer.cut();
      }
    });

    it('refuses an attempt below the newest one, and changes nothing by it', async () => {
      const path = fresh();
      const wire = await connect({ paths: [{ path }], attempt: 2 });
      await wire.next('subscribed');
      const late = { ...OPEN, ticket: wire.opened['ticket'], attempt: 1, paths: [] };
      const refused = await open(subject.endpoint, late).then(
        (it) => it.opened,
        (error) => error.answer.error,
      );
      expect(refused['code']).toBe('superseded');
      if ('close' in refused) expect(refused['close']).toBe(4009);
      await subject.dobby.update(path, 'after');
      expect(messages(await updates(wire, 1))).toEqual(['after']);
      const next = await open(subject.endpoint, { ...late, attempt: 3 });
      expect(next.opened).toMatchObject({ resumed: true, id: wire.opened['id'] });
      expect(await wire.closed).toBe(4200);
      next.cut();
    });

    it('answers a probe on an open connection: it asks for a sign of life', async () => {
      const wire = await connect();
      await wire.send({ type: 'probe', step: 1 });
      expect(await wire.next()).toEqual({ type: 'probed', step: 1 });
      wire.cut();
    });

    it('says of a decision as of which frame it was made', async () => {
      const path = fresh();
      const wire = await connect({ paths: [{ path }] });
      await wire.next('subscribed');
      await wire.send({ type: 'subscribe', n: 1, paths: [{ path: '::gone' }] });
      expect(await wire.next()).toMatchObject({ type: 'refused', received: 1 });
      await subject.dobby.disconnect(wire.opened['id'], [path]);
      expect(await wire.next()).toMatchObject({ type: 'unsubscribed', by: 'back_end', received: 1 });
      wire.cut();
    });

    it('applies a repeated frame once, and refuses one that jumps', async () => {
      const wire = await connect();
      await wire.send({ type: 'subscribe', n: 1, paths: [{ path: 'demo/once' }] });
      await wire.send({ type: 'subscribe', n: 1, paths: [{ path: 'demo/repeat' }] });
      await wire.send({ type: 'subscribe', n: 3, paths: [{ path: 'demo/jump' }] });
      const told = [await wire.next(), await wire.next()];
      expect(told.find(ofType('subscribed'))).toMatchObject({ paths: [{ path: 'demo/once' }] });
      expect(told.find(ofType('error'))).toMatchObject({ code: 'bad_sequence', n: 3 });
      wire.cut();
    });

    it('answers a bad frame with its code and field, and goes on', async () => {
      const wire = await connect();
      await wire.send({ type: 'subscribe', n: 1, paths: [{ path: 7 }] });
      expect(await wire.next()).toMatchObject({
        type: 'error',
        code: 'bad_field',
        field: 'paths.0.path',
        n: 1,
      });
      await wire.send({ type: 'dance' });
      expect(await wire.next()).toMatchObject({ type: 'error', code: 'unknown_type' });
      await wire.send({ type: 'subscribe', n: 2, paths: [{ path: 'demo/x' }], extra: 1 });
      expect(await wire.next()).toMatchObject({ type: 'error', code: 'unknown_field', field: 'extra', n: 2 });
      await wire.send({ type: 'subscribe', n: 3, paths: [{ path: 'demo/fine' }] });
      expect(await wire.next()).toMatchObject({ type: 'subscribed', paths: [{ path: 'demo/fine' }] });
      wire.cut();
    });

    it('takes a thousand subscriptions at once and refuses the next one alone', async () => {
      const paths = Array.from({ length: 1_001 }, (_, i) => ({ path: `demo/t/${i}` }));
      const wire = await connect({ paths });
      const full = [{ path: 'demo/t/1000', code: 'too_many_subscriptions' }];
      const first = await wire.next();
      if (first['type'] === 'subscribed') {
        expect(first['paths']).toHaveLength(1_000);
        expect(await wire.next()).toMatchObject({ type: 'refused', paths: full });
      } else {
        expect(first).toMatchObject({ type: 'refused', paths: full });
        expect(await subscribed(wire, 1_000)).toHaveLength(1_000);
      }
      await subject.dobby.update('demo/t/999', 'last');
      expect(messages(await updates(wire, 1))).toEqual(['last']);
      await wire.send({ type: 'unsubscribe', n: 1, paths: ['demo/t/0'] });
      expect(await wire.next()).toEqual({ type: 'unsubscribed', paths: ['demo/t/0'], by: 'client' });
      wire.cut();
    });

    it('resumes a thousand subscriptions that all have a gap to tell', async () => {
      const position = { epoch: 'zzzzzzzz', offset: 1 };
      const paths = Array.from({ length: 1_000 }, (_, i) => ({ path: `demo/g/${i}`, position }));
      const wire = await connect({ paths });
      await wire.next('subscribed');
      const gaps = new Set<string>();
      while (gaps.size < 1_000) gaps.add((await wire.until('a gap', ofType('gap')))['path']);
      wire.cut();
    });

    it('ends the session for good when the client closes it', async () => {
      const wire = await connect();
      await wire.send({ type: 'close' });
      expect(await wire.closed).toBe(4203);
      const again = await resume(wire, []);
      expect(again.opened).toMatchObject({ resumed: false, refused: 'revoked_ticket' });
      expect(again.opened['id']).not.toBe(wire.opened['id']);
      again.cut();
    });

    it('lets a kicked client come back as a new session, and a dismissed one not at all', async () => {
      const wire = await connect();
      await subject.dobby.kick(wire.opened['id']);
      expect(await wire.closed).toBe(4100);
      const again = await resume(wire, []);
      expect(again.opened['id']).not.toBe(wire.opened['id']);
      await subject.dobby.kick(again.opened['id'], { reconnect: false });
      expect(await again.closed).toBe(4201);
      const refused = await resume(again, []).then(
        (it) => it.opened,
        (error) => error.answer.error,
      );
      expect(refused['code']).toBe('revoked_ticket');
      if ('close' in refused) expect(refused['close']).toBe(4201);
    });

    it('refuses a forged and a cut ticket with bad_ticket', async () => {
      const wire = await connect();
      const ticket = String(wire.opened['ticket']);
      const other = ticket.at(-5) === 'A' ? 'B' : 'A';
      for (const bad of [
        `${ticket.slice(0, -5)}${other}${ticket.slice(-4)}`,
        ticket.slice(0, 20),
        'x',
        `${ticket}.x`,
      ]) {
        const refused = await open(subject.endpoint, { ...OPEN, ticket: bad }).then(
          (it) => it.opened,
          (error) => error.answer.error,
        );
        expect(refused['code']).toBe('bad_ticket');
      }
      wire.cut();
    });
  });
}
