/** What leaves a line in the log, and at which level: docs/server.md lists them. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { fault } from '../../src/http/http-errors.js';
import { createHttpServer } from '../../src/http/http-server.js';
import { DescriptorWatch } from '../../src/observe/descriptor-watch.js';
import { sessionLog } from '../../src/observe/session-log.js';
import { opening } from '../../src/transports/opening.js';
import { TestLog } from '../auth/tokens/token-world.js';
import { FakeClock } from '../support/fake-clock.js';
import { createWorld } from '../support/world.js';

const running: ReturnType<typeof createHttpServer>[] = [];

afterEach(() => Promise.all(running.splice(0).map((app) => app.close())));

/** A world whose sessions are logged. */
function loggedWorld() {
  const log = new TestLog();
  const world = createWorld({ features: [sessionLog(log, log)] });
  return { log, world, of: (message: string) => log.lines.filter((line) => line.message === message) };
}

describe('a session', () => {
  it('that is opened, resumed and ended is logged at debug', async () => {
    const { world, of } = loggedWorld();
    const { session } = world.open();
    expect(of('a session was opened')).toMatchObject([
      { level: 'debug', fields: { session: session.id, user: null, isResumed: false } },
    ]);
    await world.sessions.end(session, 'ended');
    expect(of('a session has ended')).toMatchObject([
      { level: 'debug', fields: { session: session.id, why: 'ended' } },
    ]);
  });

  it('that may not hear paths is logged at info, with some of them and why', () => {
    const { world, of } = loggedWorld();
    const paths = Array.from({ length: 15 }, (_, i) => ({ path: `::${i}` }));
    world.open({ paths });
    expect(of('paths were refused')).toMatchObject([
      {
        level: 'info',
        fields: { count: 15, paths: paths.slice(0, 10).map(({ path }) => ({ path, code: 'reserved_path' })) },
      },
    ]);
  });

  it('whose path nobody grants in time is logged', async () => {
    const { world, of } = loggedWorld();
    world.open({ paths: [{ path: 'a' }] });
    await world.clock.advance(60_000);
    expect(of('paths were refused')).toMatchObject([
      { fields: { paths: [{ path: 'a', code: 'not_granted' }] } },
    ]);
  });

  it('that is kicked is logged at info, by whatever it was named, also where there was none', async () => {
    const { world, of } = loggedWorld();
    const { session } = world.open();
    await world.sessions.admin.kick(session.id, true);
    await world.sessions.admin.kick('nobody', false);
    await world.sessions.admin.kickUser('ann', false);
    await world.sessions.admin.kickLogin('tag', true);
    const lines = of('the back end kicked');
    expect(lines.every(({ level }) => level === 'info')).toBe(true);
    expect(lines.map(({ fields }) => fields)).toEqual([
      { id: session.id, sessions: 1, reconnect: true },
      { id: 'nobody', sessions: 0, reconnect: false },
      { user: 'ann', sessions: 0, reconnect: false },
      { login: 'tag', sessions: 0, reconnect: true },
    ]);
  });
});

it('a connection that is refused is logged at debug, on every transport', () => {
  const { world, log } = loggedWorld();
  const carrier = { transport: 'websocket', address: '203.0.113.9' } as never;
  void opening(
    { sessions: world.sessions, log } as never,
    { value: { type: 'open', protocol: 99 } },
    carrier,
  );
  expect(log.lines).toEqual([
    {
      level: 'debug',
      message: 'a connection was refused',
      fields: { transport: 'websocket', address: '203.0.113.9', code: 'unsupported_protocol' },
    },
  ]);
});

describe('a refused request', () => {
  async function refuse(code: Parameters<typeof fault>[0], headers: Record<string, string> = {}) {
    const log = new TestLog();
    const app = createHttpServer(log, { corsOf: () => ({}), addressOf: () => '203.0.113.9' });
    running.push(app);
    app.post('/api/kick', async () => {
      throw fault(code, { message: 'Because.' });
    });
    await app.inject({ method: 'POST', url: '/api/kick?secret=1', headers });
    return { log, line: log.lines[0] };
  }

  it('with a wrong key is a warning, without the key', async () => {
    const { line, log } = await refuse('unauthorized', { authorization: 'Bearer a-wrong-key-0123456789' });
    expect(line).toMatchObject({
      level: 'warn',
      message: 'an API key was refused',
      fields: { address: '203.0.113.9', method: 'POST', url: '/api/kick', hasKey: true },
    });
    expect(log.text).not.toContain('a-wrong-key');
    expect((await refuse('unauthorized')).line).toMatchObject({ fields: { hasKey: false } });
  });

  it('with a key that may not do it is a warning that says what it lacks', async () => {
    const { line } = await refuse('forbidden', { authorization: 'Bearer a-good-key-0123456789' });
    expect(line).toMatchObject({ level: 'warn', fields: { code: 'forbidden', reason: 'Because.' } });
  });

  it('of another kind is logged at debug', async () => {
    const { line } = await refuse('bad_field');
    expect(line).toMatchObject({
      level: 'debug',
      message: 'a request was refused',
      fields: { code: 'bad_field' },
    });
  });
});

describe('file descriptors', () => {
  it('that have run out are told once, and again when there are some', async () => {
    const clock = new FakeClock();
    const log = new TestLog();
    let code: string | null = null;
    const watch = new DescriptorWatch(clock, log, () => {
      if (code !== null) throw Object.assign(new Error(code), { code });
    });
    watch.start();
    watch.start();
    await clock.advance(3_000);
    expect(log.lines).toEqual([]);
    for (code of ['EMFILE', 'ENFILE']) await clock.advance(2_000);
    code = null;
    await clock.advance(2_000);
    expect(log.levels).toEqual(['error', 'info']);
    expect(log.lines[0]?.message).toContain('no file descriptor is left');
    code = 'ENOENT';
    await clock.advance(2_000);
    expect(log.lines.length).toBe(2);
    watch.stop();
    watch.stop();
    expect(clock.timers).toBe(0);
  });
});

it('every message of the table of the docs is one of the code', () => {
  const root = new URL('../../../', import.meta.url);
  const page = readFileSync(new URL('docs/server.md', root), 'utf8');
  const table = /## The log\n([\s\S]*?)\n## /.exec(page)?.[1] ?? '';
  const messages = [...table.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].flatMap(([, level, cell]) =>
    [...String(cell).matchAll(/`([^`]+)`/g)].map(([, message]) => [level, message]),
  );
  const files = [
    ...[
      'http/http-server',
      'stores/state-folder/state-lock',
      'observe/session-log',
      'observe/descriptor-watch',
    ],
    ...['http/broken-requests', 'transports/opening', 'dobby', 'assembly'],
  ];
  const code = files.map((file) => readFileSync(new URL(`server/src/${file}.ts`, root), 'utf8')).join('\n');
  expect(messages.length).toBeGreaterThan(8);
  for (const [, message] of messages) expect(code).toContain(String(message));
});
