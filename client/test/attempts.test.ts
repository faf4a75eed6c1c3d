/** What Pomona knows of its own attempts: those that were given up may still arrive. */
import { describe, expect, it } from 'vitest';
import { Stage, settled, subscribed, update } from './support.js';

const TAKEN_OVER = { type: 'closing', code: 4200, message: 'A newer connection has the session.' };

describe('attempts', () => {
  it('are numbered in the order in which their open frames are sent, over sessions too', async () => {
    const stage = new Stage({ openTimeoutMs: 1_000 });
    const numbers: number[] = [];
    await stage.transport.opens();
    numbers.push(stage.transport.attempt);
    await stage.transport.ends();
    await stage.clock.advance(500);
    stage.transport.asks();
    numbers.push(stage.transport.attempt);
    await stage.clock.advance(2_000);
    await stage.transport.ends({ code: 4100 });
    await stage.clock.advance(2_000);
    await stage.transport.opens({ id: 'two' });
    numbers.push(stage.transport.attempt);
    expect(numbers).toEqual([1, 2, 3]);
  });

  it('that were given up and arrive late do not end Pomona: it comes back with the ticket', async () => {
    const stage = new Stage({ openTimeoutMs: 1_000 }, ['best', 'last']);
    await stage.transport.ends();
    const last = stage.transport;
    await last.opens({ pingIntervalMs: 1_000_000 });
    await stage.clock.advance(60_000);
    const probe = stage.transport;
    probe.asks();
    await stage.clock.advance(1_000);
    expect([probe.closed, stage.pomona.state]).toEqual(['silently', 'open']);
    // What the network has held arrives now, and Dobby gives the session to it.
    await last.says(TAKEN_OVER);
    expect(stage.pomona.state).toBe('waiting');
    await stage.clock.advance(500);
    await stage.transport.opens({ resumed: true, connection: 3 });
    expect([stage.pomona.state, stage.transport.attempt, stage.transport.open?.ticket]).toEqual([
      'open',
      3,
      'ticket-1',
    ]);
  });

  it('that are under way do not end Pomona either', async () => {
    const stage = new Stage({}, ['best', 'last']);
    await stage.transport.ends();
    const last = stage.transport;
    await last.opens({ pingIntervalMs: 1_000_000 });
    await stage.clock.advance(60_000);
    stage.transport.asks();
    await last.says(TAKEN_OVER);
    expect(stage.pomona.state).toBe('connecting');
    await stage.transport.opens({ resumed: true, connection: 2 });
    expect([stage.pomona.state, stage.pomona.transport]).toEqual(['open', 'best']);
  });

  it('that a browser has repeated do not end Pomona: taken_over names its own newest number', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.says({ ...TAKEN_OVER, attempt: 1 });
    expect(stage.pomona.state).toBe('waiting');
    await stage.clock.advance(500);
    await stage.transport.opens({ resumed: true, connection: 3 });
    await stage.transport.says({ ...TAKEN_OVER, attempt: 1 });
    expect([stage.pomona.state, stage.told('error').at(-1)]).toEqual(['closed', 'taken_over']);
  });

  it('of another client are final: none of one’s own was given up since the last opened', async () => {
    const stage = new Stage({ openTimeoutMs: 1_000 });
    await settled();
    stage.transport.asks();
    await stage.clock.advance(2_000); // given up
    await stage.transport.opens();
    await stage.transport.says(TAKEN_OVER);
    expect([stage.pomona.state, stage.told('error').at(-1)]).toEqual(['closed', 'taken_over']);
  });

  it('that are superseded end nothing but themselves', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.ends();
    await stage.clock.advance(500);
    stage.transport.asks();
    await stage.transport.says({ type: 'closing', code: 4009, message: 'a newer one', error: 'superseded' });
    await stage.clock.advance(1_000);
    stage.transport.asks();
    expect([stage.pomona.state, stage.transport.open?.ticket]).toEqual(['connecting', 'ticket-1']);
  });
});

describe('a transport that opens and falls silent', () => {
  const names = ['best', 'good', 'last'];
  const silence = async (stage: Stage) => {
    await stage.transport.opens({ pingIntervalMs: 25_000, resumed: true });
    await stage.clock.advance(50_000);
    expect(stage.pomona.state).not.toBe('open');
    await stage.clock.advance(500);
  };

  it('three times within minutes is left for the next, and then probed with growing waits', async () => {
    const stage = new Stage({}, names);
    for (let i = 0; i < 3; i++) {
      expect(stage.transport.name).toBe('best');
      await silence(stage);
    }
    expect(stage.transport.name).toBe('good');
    await stage.transport.opens({ pingIntervalMs: 1_000_000, resumed: true });
    await stage.clock.advance(60_000);
    expect(stage.transport.name).toBe('best');
    // It proves itself and opens, and falls silent again: once is enough now.
    await silence(stage);
    expect(stage.transport.name).toBe('good');
    await stage.transport.opens({ pingIntervalMs: 1_000_000, resumed: true });
    const count = stage.transports.length;
    await stage.clock.advance(119_999);
    expect(stage.transports.length).toBe(count);
    await stage.clock.advance(1);
    expect([stage.transport.name, stage.transport.context.isProbe]).toEqual(['best', true]);
  });

  it('is not left where its connections last, or end otherwise', async () => {
    const stage = new Stage({}, names);
    for (let i = 0; i < 4; i++) {
      await stage.transport.opens({ pingIntervalMs: 200_000, resumed: true });
      await stage.clock.advance(401_000); // silent after almost seven minutes
    }
    for (let i = 0; i < 4; i++) {
      await stage.transport.opens({ resumed: true });
      await stage.transport.ends({ code: 1006 });
      await stage.clock.advance(20_000);
    }
    expect(new Set(stage.transports.map(({ name }) => name))).toEqual(new Set(['best']));
  });

  it('upstream counts as well: the server hears no pong', async () => {
    const stage = new Stage({}, names);
    for (let i = 0; i < 3; i++) {
      await stage.transport.opens({ resumed: true });
      await stage.clock.advance(20_000);
      await stage.transport.says({ type: 'closing', code: 4004, message: 'No pong came.' });
      await stage.clock.advance(500);
    }
    expect(stage.transport.name).toBe('good');
  });
});

describe('a better transport', () => {
  it('is probed: it asks for nothing before it has proved itself, and what works goes on', async () => {
    const stage = new Stage({}, ['best', 'last']);
    const heard: unknown[] = [];
    stage.pomona.connect('a', (message) => heard.push(message));
    await stage.transport.ends();
    const last = stage.transport;
    await last.opens({ pingIntervalMs: 1_000_000 });
    await last.says(subscribed('a'));
    await stage.clock.advance(60_000);
    const probe = stage.transport;
    expect([probe.name, probe.context.isProbe, last.context.isProbe]).toEqual(['best', true, false]);
    await stage.clock.advance(8_000); // swallowed
    await last.says(update('a', 1));
    expect([probe.closed, last.closed, heard, stage.pomona.state]).toEqual(['silently', null, [1], 'open']);
  });

  it('that is still proving itself when the connection ends is not waited for', async () => {
    const stage = new Stage({}, ['best', 'last']);
    await stage.transport.ends();
    const last = stage.transport;
    await last.opens({ pingIntervalMs: 1_000_000 });
    await stage.clock.advance(60_000);
    const probe = stage.transport;
    await last.ends();
    expect([probe.closed, stage.pomona.state]).toEqual(['silently', 'waiting']);
    await stage.clock.advance(500);
    expect([stage.transport.name, stage.transport.context.isProbe]).toEqual(['last', false]);
  });
});
