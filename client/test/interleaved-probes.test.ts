/** A probe that asks for the session while the live connection goes on. */
import { expect, it } from 'vitest';
import { withCommands } from '../src/commands/index.js';
import { at, Stage, settled, subscribed } from './support.js';

it('a wish that is newer than an end by the back end wins, though a probe has asked meanwhile', async () => {
  const stage = new Stage({}, ['best', 'last']);
  await stage.transport.ends();
  const last = stage.transport;
  const s = stage.pomona.connect('a', () => {});
  await last.opens({ pingIntervalMs: 1_000_000 });
  await last.says(subscribed('a'));
  await stage.clock.advance(60_000);
  s.disconnect();
  await settled();
  const again = stage.pomona.connect('a', () => {});
  await settled();
  await last.says({ type: 'unsubscribed', paths: ['a'], by: 'client' }); // of 1; 2 is under way
  const probe = stage.transport;
  probe.asks();
  await last.says({ type: 'unsubscribed', paths: ['a'], by: 'back_end', received: 1 });
  await probe.says(
    {
      type: 'opened',
      id: 'one',
      ticket: 't',
      connection: 2,
      resumed: true,
      received: 2,
      pingIntervalMs: 25_000,
    },
    subscribed('a'),
  );
  await settled();
  expect([again.state, probe.sent.map((f) => f.type)]).toEqual(['subscribed', []]);
});

it('a probe that fails after it has asked: what was refused on the live connection as outdated', async () => {
  const stage = new Stage({}, ['best', 'last']);
  await stage.transport.ends();
  const last = stage.transport;
  await last.opens({ pingIntervalMs: 1_000_000 });
  await stage.clock.advance(60_000);
  const probe = stage.transport;
  const s = stage.pomona.connect('a', () => {});
  await settled();
  probe.asks(); // it names the path too
  await probe.ends();
  expect(s.state).toBe('asking');
});

it('retryable refusal: a path on hold=retry with failed probe', async () => {
  const stage = new Stage({}, ['best', 'last']);
  await stage.transport.ends();
  const last = stage.transport;
  stage.pomona.connect('a', () => {});
  await last.opens({ pingIntervalMs: 1_000_000 });
  await stage.clock.advance(59_900);
  await last.says({ type: 'refused', paths: [{ path: 'a', code: 'keys_unavailable', message: 'x' }] });
  await stage.clock.advance(100);
  stage.transport.asks();
  await stage.transport.ends();
  await stage.clock.advance(20_000);
  expect(last.sentOf('subscribe').length).toBe(1);
});

it('close() in a listener of a new session: token timer', async () => {
  const stage = new Stage();
  const pomona = withCommands(stage.pomona);
  pomona.on('id', () => pomona.close());
  const p = pomona.send('x', 'c').catch((e) => e.code);
  await stage.transport.opens();
  expect([await p, stage.clock.pending, stage.transport.closed]).toEqual(['closed', 0, 'with farewell']);
});

it('reopen then close at once: no timers, no transports', async () => {
  const stage = new Stage();
  stage.pomona.connect('a', () => {});
  await stage.transport.opens();
  const n = stage.transports.length;
  stage.pomona.reopen();
  stage.pomona.close();
  await stage.clock.advance(60_000);
  expect([stage.clock.pending, stage.transports.length - n]).toEqual([0, 0]);
});

it('reopen in every state event', async () => {
  for (const wanted of ['open', 'waiting', 'closed'] as const) {
    const stage = new Stage();
    stage.pomona.connect('a', () => {});
    let once = true;
    stage.pomona.on('state', (s) => {
      if (s === wanted && once) {
        once = false;
        stage.pomona.reopen();
      }
    });
    await stage.transport.opens();
    if (once) await stage.transport.ends(wanted === 'closed' ? { code: 4201 } : {});
    await settled();
    expect(once).toBe(false);
    await stage.transport.opens({ id: 'two' });
    await stage.transport.says(subscribed('a', at(1)));
    await stage.clock.advance(1000);
    expect([wanted, stage.pomona.state, stage.pomona.id, stage.transports.length]).toEqual([
      wanted,
      'open',
      'two',
      2,
    ]);
  }
});
