/** A toy feature: a frame upstream, a frame downstream and every hook, without a change in core. */
import { describe, expect, it } from 'vitest';
import { errorBody } from '../../../../protocol/codes.js';
import type { Session } from '../../../src/core/session/session.js';
import {
  type Feature,
  type FeatureFrame,
  Features,
  type Hooks,
} from '../../../src/core/sessions/features.js';
import { Frame } from '../../../src/core/wire/frame.js';
import { receiveFrame } from '../../../src/transports/inbound.js';
import { createWorld } from '../../support/world.js';

interface WaveFrame extends FeatureFrame {
  readonly to: string;
}

/** Sessions wave to each other; what it hears of them goes to `heard`. */
function waving(heard: unknown[], sessionOf: (id: string) => Session | undefined): Feature {
  const name = (session: Session) => session.user ?? 'no user';
  const hooks: Required<Hooks> = {
    opened: (session) => heard.push(['opened', name(session)]),
    resumed: (session) => heard.push(['resumed', name(session)]),
    restored: (session) => heard.push(['restored', name(session)]),
    bound: (session) => heard.push(['bound', name(session)]),
    subscribed: (session, path) => heard.push(['subscribed', name(session), path]),
    unsubscribed: (session, path) => heard.push(['unsubscribed', name(session), path]),
    refused: (session, paths) => heard.push(['refused', name(session), paths.map(({ code }) => code)]),
    detached: (session) => heard.push(['detached', name(session)]),
    ended: (session, why) => heard.push(['ended', name(session), why]),
    kicked: (target, count, mayReturn) => heard.push(['kicked', target, count, mayReturn]),
  };
  const check = (value: Readonly<Record<string, unknown>>) =>
    typeof value['to'] === 'string' && typeof value['n'] === 'number'
      ? { value: value as unknown as WaveFrame }
      : { error: errorBody('bad_field', { field: 'to' }) };
  const take = (session: Session, { to }: WaveFrame): void =>
    sessionOf(to)?.tell(Frame.ofFeature({ type: 'waved', from: session.id }));
  return { name: 'waving', frames: { wave: { check, take } }, ...hooks };
}

function createWaving() {
  const heard: unknown[] = [];
  const world = createWorld({ features: [waving(heard, (id) => world.sessions.all.get(id))] });
  return { world, heard, since: () => heard.splice(0) };
}

describe('a feature', () => {
  it('takes its frames once, in their order, and sends its own', () => {
    const { world } = createWaving();
    const [ann, bob] = [world.open(), world.open()];
    ann.frames();
    bob.frames();
    const wave = (n: number, to: unknown) =>
      receiveFrame(world.sessions, ann.connection, { type: 'wave', n, to });
    wave(1, bob.session.id);
    wave(1, bob.session.id);
    expect(bob.frames()).toEqual([{ type: 'waved', from: ann.session.id }]);
    wave(2, 7);
    expect(ann.frames()).toMatchObject([{ type: 'error', code: 'bad_field', field: 'to', n: 2 }]);
    wave(3, bob.session.id);
    expect(bob.frames()).toHaveLength(1);
  });

  it('hears the life of a session', async () => {
    const { world, since } = createWaving();
    const client = world.open({ paths: [{ path: 'public/a' }] });
    expect(since()).toEqual([
      ['opened', 'no user'],
      ['subscribed', 'no user', 'public/a'],
    ]);
    void world.connect(client.session.id, ['b'], 'ann');
    expect(since()).toEqual([
      ['bound', 'ann'],
      ['subscribed', 'ann', 'b'],
    ]);
    client.want('::inbox/x', '');
    client.session.paths.unwant(['b']);
    expect(since()).toEqual([
      ['refused', 'ann', ['bad_path']],
      ['unsubscribed', 'ann', 'b'],
    ]);
    const ticket = client.ticket();
    client.connection.lost();
    world.open({ ticket });
    expect(since()).toEqual([
      ['detached', 'ann'],
      ['resumed', 'ann'],
    ]);
    await world.sessions.admin.kickUser('ann', true);
    expect(since()).toEqual([
      ['kicked', { user: 'ann' }, 1, true],
      ['detached', 'ann'],
      ['unsubscribed', 'ann', 'public/a'],
      ['ended', 'ann', 'kicked'],
    ]);
  });

  it('hears of sessions that the server before left, and of those of tickets', () => {
    const { world, since } = createWaving();
    const client = world.open({ paths: [{ path: 'public/a' }] });
    const ticket = client.ticket();
    since();
    const next = world.handOver();
    expect(since()).toEqual([
      ['detached', 'no user'],
      ['subscribed', 'no user', 'public/a'],
      ['restored', 'no user'],
    ]);
    next.restart().open({ ticket });
    expect(since()).toEqual([
      ['restored', 'no user'],
      ['resumed', 'no user'],
    ]);
  });

  it('hears why a raw stream has ended', async () => {
    const { world, since } = createWaving();
    const { session } = world.open({}, { isRaw: true });
    since();
    await world.sessions.end(session, 'kicked');
    expect(since()).toEqual([
      ['detached', 'no user'],
      ['ended', 'no user', 'kicked'],
    ]);
  });

  it('sends nothing before the `opened` frame', () => {
    const greets: Feature = {
      name: 'greets',
      opened: (session) => session.tell(Frame.ofFeature({ type: 'hello' })),
    };
    const client = createWorld({ features: [greets] }).open();
    expect(client.frames()).toMatchObject([{ type: 'opened' }, { type: 'hello' }]);
  });

  it('stops nothing when a hook of it throws', () => {
    const fails: Feature = {
      name: 'fails',
      opened() {
        throw new Error('no');
      },
    };
    const heard: string[] = [];
    const world = createWorld({ features: [fails, { name: 'next', opened: () => heard.push('opened') }] });
    expect(world.open().told('opened')).toHaveLength(1);
    expect([heard, world.faults]).toEqual([['opened'], [new Error('fails')]]);
  });

  it('has a name and frames of its own', () => {
    const features = new Features(() => undefined);
    const frames = { wave: { check: () => ({ value: { type: 'wave', n: 1 } }), take: () => undefined } };
    features.add({ name: 'one', frames });
    expect(() => features.add({ name: 'one' })).toThrow('named "one"');
    expect(() => features.add({ name: 'two', frames })).toThrow('"wave"');
    const own = { close: frames.wave };
    expect(() => features.add({ name: 'three', frames: own }), 'of core').toThrow('"close"');
  });

  it('stops nothing when it fails elsewhere', async () => {
    const faults: string[] = [];
    const calls: string[] = [];
    const features = new Features(({ name }) => faults.push(name));
    const fail = () => {
      throw new Error('no');
    };
    const wave = { check: () => ({ value: { type: 'wave', n: 1 } }), take: fail };
    features.add({ name: 'one', frames: { wave }, settled: fail, freeze: fail, stop: fail });
    features.add({
      name: 'two',
      freeze: () => calls.push('freeze'),
      stop: async () => void calls.push('stop'),
    });
    await features.settled();
    features.freeze();
    await features.stop();
    features.take(wave, createWorld().open().session, { type: 'wave', n: 1 });
    expect([faults, calls]).toEqual([
      ['one', 'one', 'one', 'one'],
      ['freeze', 'stop'],
    ]);
  });

  it('stops nothing when a check throws or a hook rejects', async () => {
    const fail = () => {
      throw new Error('no');
    };
    const fails: Feature = {
      name: 'fails',
      frames: { wave: { check: fail, take: fail } },
      opened: async () => fail(),
    };
    const world = createWorld({ features: [fails] });
    const client = world.open();
    client.frames();
    receiveFrame(world.sessions, client.connection, { type: 'wave', n: 1 });
    expect(client.frames()).toMatchObject([{ type: 'error', code: 'internal', n: 1 }]);
    await null;
    expect(world.faults.map((fault) => (fault as Error).message).sort()).toEqual(['fails', 'fails']);
  });

  it('may end a session in a hook: it hears nothing then', () => {
    const ends: Feature = { name: 'ends', opened: (session) => void world.sessions.end(session, 'kicked') };
    const world = createWorld({ features: [ends] });
    world.open({ paths: [{ path: 'public' }] });
    expect([world.counters.subscriptions, world.dispatcher.paths.size]).toEqual([0, 0]);
  });

  it('is started, frozen and stopped with the server', async () => {
    const calls: string[] = [];
    const features = new Features(() => undefined);
    features.add({
      name: 'one',
      modules: ['one.ts'],
      start: async () => void calls.push('start'),
      settled: async () => void calls.push('settled'),
      freeze: () => calls.push('freeze'),
      stop: async () => void calls.push('stop'),
    });
    features.add({ name: 'two' });
    await features.start();
    await features.settled();
    features.freeze();
    await features.stop();
    expect([calls, features.modules]).toEqual([['start', 'settled', 'freeze', 'stop'], ['one.ts']]);
  });
});
