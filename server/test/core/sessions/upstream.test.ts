import { describe, expect, it } from 'vitest';
import type { SendFrame } from '../../../../protocol/frames.js';
import { DOBBY } from '../../../src/transports/dobby-dialect.js';
import { receiveFrame, receiveText } from '../../../src/transports/inbound.js';
import { type Client, createWorld } from '../../support/world.js';

const subscribe = (n: number, ...paths: string[]): SendFrame => ({
  type: 'subscribe',
  n,
  paths: paths.map((path) => ({ path })),
});

function setUp() {
  const world = createWorld();
  const client = world.open();
  client.frames();
  const receive = (value: unknown, from: Client = client) =>
    receiveFrame(world.sessions, from.connection, value);
  const receiveRaw = (text: string) => receiveText({ ...world, dialect: DOBBY }, client.connection, text);
  return { world, client, receive, receiveRaw };
}

describe('a numbered frame', () => {
  it('takes effect in its turn, and a repeat does nothing', () => {
    const { client } = setUp();
    expect(client.send(subscribe(1, 'public/a'))).toBeNull();
    expect(client.send({ type: 'unsubscribe', n: 2, paths: ['public/a'] })).toBeNull();
    client.frames();
    expect(client.send(subscribe(1, 'public/a'))).toBeNull();
    expect(client.send(subscribe(2, 'public/a'))).toBeNull();
    expect(client.frames()).toEqual([]);
    expect(client.session.received).toBe(2);
  });

  it('that jumps is refused, and the one that was missing still takes effect', () => {
    const { client } = setUp();
    client.send(subscribe(1, 'public/a'));
    expect(client.send(subscribe(3, 'public/c'))).toMatchObject({ code: 'bad_sequence' });
    expect(client.session.received).toBe(1);
    expect(client.send(subscribe(2, 'public/b'))).toBeNull();
    expect(client.send(subscribe(3, 'public/c'))).toBeNull();
    expect([...client.session.paths.subscriptions.keys()]).toEqual(['public/a', 'public/b', 'public/c']);
  });

  it('may have any number when the server has restarted and knows of none', () => {
    const { world, client } = setUp();
    client.send(subscribe(1, 'public'));
    const ticket = world.open().ticket();
    const again = world.restart().open({ ticket });
    expect(again.send(subscribe(7, 'public'))).toBeNull();
    expect(again.send(subscribe(9, 'public'))).toMatchObject({ code: 'bad_sequence' });
  });

  it('goes on counting when the session is resumed', () => {
    const world = createWorld();
    const first = world.open();
    const ticket = first.ticket();
    first.send(subscribe(1, 'public'));
    const second = world.open({ ticket });
    expect(second.told('opened')).toMatchObject([{ received: 1 }]);
    expect(second.send(subscribe(2, 'public'))).toBeNull();
  });
});

describe('a frame that is refused', () => {
  it('is answered with its error and number, and the number is used up', () => {
    const { client, receive } = setUp();
    receive(subscribe(1, 'public/first'));
    receive({ type: 'subscribe', n: 2, paths: [{ path: 7 }] });
    expect(client.told('error')).toMatchObject([{ code: 'bad_field', field: 'paths.0.path', n: 2 }]);
    receive(subscribe(3, 'public'));
    expect(client.told('subscribed')).toHaveLength(1);
    receive(subscribe(2, 'public/again'));
    expect(client.frames()).toEqual([]);
  });

  it('uses up no number when it is refused for its number', () => {
    const { client, receive } = setUp();
    receive(subscribe(1, 'public'));
    receive(subscribe(5, 'public'));
    expect(client.told('error')).toMatchObject([{ code: 'bad_sequence', n: 5 }]);
    receive({ type: 'subscribe', n: 9, paths: 'no list' });
    expect(client.told('error')).toMatchObject([{ code: 'bad_field', n: 9 }]);
    receive(subscribe(2, 'public'));
    expect(client.told('subscribed')).toHaveLength(1);
  });

  it('leaves the connection as it is', () => {
    const { world, client, receive, receiveRaw } = setUp();
    receive(subscribe(1, 'public'));
    for (const value of [null, 7, [], {}, { type: 'open', protocol: 1 }, { type: 'pong', n: 1 }])
      receive(value);
    for (const text of ['', '{', '"'.repeat(70_000), 'ä'.repeat(40_000)]) receiveRaw(text);
    const codes = client.told('error').map(({ code }) => code);
    expect(codes.slice(0, 6)).toEqual([
      'bad_frame',
      'bad_frame',
      'bad_frame',
      'unknown_type',
      'already_open',
      'unknown_field',
    ]);
    expect(codes.slice(6)).toEqual(['bad_json', 'bad_json', 'too_large', 'too_large']);
    world.publish('public', 1);
    expect(client.messages()).toEqual([1]);
  });
});

describe('a connection that has lost its session to a newer one', () => {
  it('is not listened to any more', () => {
    const { world, client, receive } = setUp();
    const other = world.open({
      ticket: world.tickets.issue({
        ...client.session.snapshot(),
        connection: 1,
        issuedAt: world.clock.now(),
        grants: [],
        denied: [],
      }),
    });
    receive({ type: 'close' });
    receive(subscribe(1, 'public'));
    expect(other.session.isEnded).toBe(false);
    expect(other.told('subscribed')).toEqual([]);
  });
});

describe('a pong', () => {
  it('has no number and shows that the client lives', () => {
    const { client, receive } = setUp();
    client.connection.isPingUnanswered = true;
    receive({ type: 'pong' });
    expect(client.connection.isPingUnanswered).toBe(false);
    expect(client.frames()).toEqual([]);
  });
});
