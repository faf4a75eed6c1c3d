/** Calls and frames that come between others: `close` and `reopen` in listeners, tokens and commands of another visitor, probes. */
import { expect, it } from 'vitest';
import { within } from '../src/clock.js';
import { withCommands } from '../src/commands/index.js';
import { at, FakeClock, Stage, settled, subscribed } from './support.js';
import { later, TokenStage } from './tokens/support.js';

/** On the lesser transport, with a probe that has asked for the session. */
async function probing(options = {}) {
  const stage = new Stage(options, ['best', 'last']);
  return stage;
}

it('a path token of the visitor before is not used after reopen', async () => {
  const stage = new TokenStage(['path']);
  const s = stage.pomona.connect('secret', () => {});
  await stage.transport.opens();
  await settled();
  await stage.transport.says(subscribed('secret'));
  s.disconnect(); // the old visitor's components go
  stage.pomona.reopen();
  stage.pomona.connect('secret', () => {}); // those of the new one come
  await settled();
  await stage.transport.opens({ id: 'two' });
  await settled();
  const named = [
    ...(stage.transport.open?.paths ?? []),
    ...stage.transport.sentOf('subscribe').flatMap((f) => f.paths),
  ];
  expect([stage.asked, named]).toEqual([
    ['secret open', 'secret open'],
    [{ path: 'secret', position: at(0), token: 'secret2' }],
  ]);
});

it('a kick is told while a probe has asked', async () => {
  const stage = await probing();
  await stage.transport.ends();
  const last = stage.transport;
  await last.opens({ pingIntervalMs: 1_000_000 });
  await stage.clock.advance(60_000);
  stage.transport.asks();
  await last.says({ type: 'closing', code: 4100, message: 'kicked' });
  await stage.transport.says({
    type: 'opened',
    id: 'two',
    ticket: 't2',
    connection: 1,
    resumed: false,
    refused: 'revoked_ticket',
    received: 0,
    pingIntervalMs: 25000,
  });
  expect(stage.told('kicked').length).toBe(1);
});

it('an outdated end ends nothing while a probe has asked', async () => {
  const stage = await probing();
  await stage.transport.ends();
  const last = stage.transport;
  const s = stage.pomona.connect('a', () => {});
  await last.opens({ pingIntervalMs: 1_000_000 });
  await last.says(subscribed('a'));
  s.disconnect();
  await settled();
  const again = stage.pomona.connect('a', () => {});
  await settled();
  await last.says({ type: 'unsubscribed', paths: ['a'], by: 'client' }); // answer to 1
  // named by n = 2, whose answer is under way
  expect(last.sentOf('subscribe').at(-1)?.n).toBe(2);
  const outdated = { type: 'unsubscribed', paths: ['a'], by: 'back_end', received: 1 };
  await stage.clock.advance(60_000);
  if (process.env['ASK']) stage.transport.asks();
  await last.says(outdated);
  expect(again.state).not.toBe('ended');
  expect(again.state).toBe('asking');
});

it('a path that a failed probe named is asked for on the live connection', async () => {
  const stage = await probing();
  const pomona = withCommands(stage.pomona);
  await stage.transport.ends();
  const last = stage.transport;
  await last.opens({ pingIntervalMs: 1_000_000 });
  // 1 MB is outstanding: nothing more can be numbered just now
  for (let i = 0; i < 18; i++) pomona.send('x', 'c', 'a'.repeat(60_000)).catch(() => {});
  await settled();
  const s = pomona.connect('a', () => {});
  await settled();
  expect(last.sentOf('subscribe')).toEqual([]);
  await stage.clock.advance(60_000);
  expect(stage.transport).not.toBe(last);
  if (process.env['ASK'] !== '0') stage.transport.asks();
  await stage.transport.ends(); // the probe fails
  await last.says({ type: 'ping', received: 18 });
  await stage.clock.advance(20_000);
  expect([stage.pomona.state, s.state, last.sentOf('subscribe').length]).toEqual(['open', 'asking', 1]);
});

it('reopen does not wait for the source of the visitor before', async () => {
  const stage = new TokenStage(['session']);
  const hung = later();
  stage.session = () => hung.promise;
  await settled();
  stage.session = () => 'new';
  stage.pomona.reopen();
  await settled();
  await stage.clock.advance(0);
  expect(stage.asked).toEqual(['session open', 'session open']);
});

it('reopen does not hear of the failure of the source of the visitor before', async () => {
  const stage = new TokenStage(['session']);
  const old = later();
  stage.session = () => old.promise;
  await settled();
  stage.session = () => 'new';
  stage.pomona.reopen();
  await settled();
  old.fail(new Error('old visitor logged out'));
  await settled();
  expect(stage.told('error')).toEqual([]);
  expect(stage.pomona.state).toBe('connecting');
});

it('commands of the visitor before are not given by the one after', async () => {
  const stage = new Stage();
  const pomona = withCommands(stage.pomona);
  await stage.transport.opens();
  await stage.transport.ends();
  const one = pomona.send('bank', 'pay', { to: 'eve' }).catch((e) => e.code);
  const two = pomona.send('bank', 'pay', { to: 'eve' }, { idempotent: true }).catch((e) => e.code);
  void one;
  void two;
  stage.pomona.reopen();
  await settled();
  await stage.transport.opens({ id: 'two' });
  expect(stage.transport.sentOf('command')).toEqual([]);
});

/** Sends a command, then Dobby's verdict comes: the command's code, and the timers that are left. */
async function sentAtVerdict(stage: Stage, pomona: { send(path: string, name: string): Promise<unknown> }) {
  let code = 'none';
  pomona.send('x', 'c').catch((e) => {
    code = e.code;
  });
  await settled();
  await stage.transport.says({ type: 'closing', code: 4201, message: 'x' });
  await settled();
  return [code, stage.clock.pending];
}

it('no command is left by close() in a listener of a verdict', async () => {
  const stage = new Stage();
  const pomona = withCommands(stage.pomona);
  const s = pomona.connect('a', () => {});
  s.on('state', (state) => state === 'ended' && pomona.close());
  await stage.transport.opens();
  await stage.transport.says(subscribed('a'));
  expect(await sentAtVerdict(stage, pomona)).toEqual(['closed', 0]);
});

it('no command is left by close() in a state listener that came before withCommands', async () => {
  const stage = new Stage();
  stage.pomona.on('state', (state) => state === 'closed' && stage.pomona.close());
  const pomona = withCommands(stage.pomona);
  await stage.transport.opens();
  expect(await sentAtVerdict(stage, pomona)).toEqual(['closed', 0]);
});

it('within ends when its signal was aborted before', async () => {
  const abort = new AbortController();
  abort.abort(new Error('x'));
  const clock = new FakeClock();
  let done = false;
  within({ clock, signal: abort.signal, ms: 1000 }, () => new Promise(() => {})).catch(() => {
    done = true;
  });
  await clock.advance(5000);
  expect(done).toBe(true);
});

it('each path has its own moment before its release', async () => {
  const stage = new Stage({ connectUrl: 'http://app.test/c', disconnectUrl: 'http://app.test/d' });
  const a = stage.pomona.connect('a', () => {});
  const b = stage.pomona.connect('b', () => {});
  await stage.transport.opens();
  await stage.transport.says(subscribed('a'), subscribed('b'));
  a.disconnect();
  await stage.clock.advance(950);
  b.disconnect();
  await stage.clock.advance(60);
  expect(stage.requests.map(({ url, body }) => [url, body.paths])).toEqual([['http://app.test/d', ['a']]]);
});

it('close() while reopen tells that a path is asked for again is final', async () => {
  const stage = new Stage();
  const s = stage.pomona.connect('a', () => {});
  await stage.transport.opens();
  await stage.transport.says({ type: 'refused', paths: [{ path: 'a', code: 'bad_path', message: 'no' }] });
  s.on('state', (state) => state === 'asking' && stage.pomona.close());
  const n = stage.transports.length;
  stage.pomona.reopen();
  await settled();
  await stage.clock.advance(1000);
  expect([stage.pomona.state, stage.transports.length - n]).toEqual(['closed', 0]);
});

it('no timer is left when close() was called as a path was subscribed', async () => {
  const stage = new TokenStage(['session', 'path']);
  stage.pomona.connect('a', () => {});
  stage.pomona.on('subscribed', () => stage.pomona.close());
  await stage.transport.opens({ tokenExpiresInMs: 3_600_000 });
  await stage.transport.says({
    type: 'subscribed',
    paths: [{ path: 'a', position: at(0), expiresInMs: 3_600_000 }],
  });
  expect([stage.pomona.state, stage.clock.pending]).toEqual(['closed', 0]);
});

it('the slot of a restart holds though a probe had asked', async () => {
  const stage = await probing();
  await stage.transport.ends();
  const last = stage.transport;
  await last.opens({ pingIntervalMs: 1_000_000 });
  await stage.clock.advance(60_000);
  stage.transport.asks();
  await last.says({ type: 'closing', code: 4000, message: 'restarting', reconnectAfterMs: 30_000 });
  await stage.transport.ends(); // the socket is cut as the server goes
  const n = stage.transports.length;
  await stage.clock.advance(10_000);
  expect(stage.transports.length).toBe(n);
});
