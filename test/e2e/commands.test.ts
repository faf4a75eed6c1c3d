/** Commands over restarts and changes of their modules: real processes, all transports. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommandsPomona, withCommands } from '../../client/src/commands/index.js';
import type { Pomona } from '../../client/src/index.js';
import { tempFolder } from '../../server/test/support/temp-folder.js';
import { openPomona } from './allowing-back-end.js';
import { eventually, type ServerProcess, startServer } from './server-process.js';

/** Each run of a module is told to everybody on `runs`, so that tests can count. */
const RUN = 'await context.update("runs", args, { echo: true });';
const MODULES = {
  'count.ts': `export default { async run(args: number, context: any) { ${RUN} return args; } };`,
  'wait.ts': `export default {
    async run(args: { ms: number }, context: any) {
      await context.update('runs', args, { echo: true });
      await new Promise((resolve) => setTimeout(resolve, args.ms));
      return 'waited';
    },
  };`,
};

let folder: string;
let server: ServerProcess;
const pomonas: Pomona[] = [];

const start = (port = 0): Promise<ServerProcess> =>
  startServer([
    ...[
      '--port',
      String(port),
      '--state-dir',
      join(folder, 'state'),
      '--public',
      '{name*}',
      '--log-level',
      'info',
    ],
    ...['--commands', join(folder, 'commands'), '--watch-commands'],
  ]);

const write = (file: string, text: string): void => writeFileSync(join(folder, 'commands', file), text);

beforeEach(async () => {
  folder = tempFolder();
  mkdirSync(join(folder, 'commands'));
  for (const [file, text] of Object.entries(MODULES)) write(file, text);
  server = await start();
});

afterEach(async () => {
  for (const pomona of pomonas.splice(0)) pomona.close();
  await server.kill('SIGKILL');
});

/** A client on the transport of that index, and what it heard of runs. */
function client(index: number): { pomona: CommandsPomona & Pomona; runs: unknown[] } {
  const pomona = withCommands(
    openPomona(index, { url: server.url, connectUrl: `${server.url}/none` }).pomona,
  );
  pomonas.push(pomona);
  const runs: unknown[] = [];
  pomona.connect('runs', (message) => runs.push(message));
  return { pomona, runs };
}

const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: { code: string }) => error.code,
  );

describe('a module', () => {
  it('that is dropped into the folder is there, that is changed is another, that is wrong leaves those before', async () => {
    const { pomona } = client(0);
    expect(await codeOf(pomona.send('a', 'greet'))).toBe('unknown_command');
    const reloads = (): number => server.output().split('were loaded again').length - 1;
    const changed = async (file: string, text: string): Promise<void> => {
      const before = reloads();
      write(file, text);
      await eventually(
        () => reloads() > before,
        () => server.output(),
      );
    };
    await changed('greet.ts', 'const word: string = "hello"; export default { run: () => word };');
    expect(await pomona.send('a', 'greet')).toBe('hello');
    await changed('greet.ts', 'export default { run: () => "good day" };');
    expect(await pomona.send('a', 'greet')).toBe('good day');
    write('greet.ts', 'export default {');
    await eventually(
      () => server.output().includes('the modules stay as they were'),
      () => server.output(),
    );
    expect(await pomona.send('a', 'greet')).toBe('good day');
  });

  it('that is wrong at the start ends it with a line that names the file', async () => {
    await server.kill('SIGTERM');
    write('broken.ts', 'export default { run: 1 };');
    await expect(start()).rejects.toThrow(/dobby: broken\.ts: "run": a function/);
    write('broken.ts', MODULES['count.ts']);
    server = await start();
  });

  it('that blocks the loop is named in the log', async () => {
    write(
      'block.ts',
      'export default { run() { const end = Date.now() + 300; while (Date.now() < end); } };',
    );
    await eventually(
      () => server.output().includes('were loaded again'),
      () => server.output(),
    );
    await client(0).pomona.send('a', 'block');
    const line = /\{[^\n]*"modules":\["block\.ts"\][^\n]*the loop was blocked/;
    await eventually(
      () => line.test(server.output()),
      () => server.output(),
    );
  });
});

describe.each([0, 1, 2])('on transport %i', (index) => {
  it('commands of one tick are answered each by its uid, and done in their order', async () => {
    const { pomona, runs } = client(index);
    const sent = Array.from({ length: 10 }, (_, i) => pomona.send('a', 'count', i));
    expect(await Promise.all(sent)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await eventually(
      () => runs.length === 10,
      () => `only ${runs.length} runs were heard`,
    );
    expect(runs).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('a command that is done within the moment of an orderly stop is answered by the server that stops', async () => {
    const { pomona, runs } = client(index);
    await pomona.send('a', 'count', 'first');
    const answer = pomona.send('a', 'wait', { ms: 200 });
    await eventually(
      () => runs.length === 2,
      () => 'the command did not begin',
    );
    const { port } = server;
    const stopped = server.kill('SIGTERM');
    expect(await answer).toBe('waited');
    expect(await stopped).toBe(0);
    server = await start(port);
    expect(await pomona.send('a', 'count', 'last')).toBe('last');
    await eventually(
      () => runs.length === 3,
      () => `${JSON.stringify(runs)} were heard`,
    );
  });

  it('one that takes longer is run again by the next server only if it is idempotent', async () => {
    const { pomona, runs } = client(index);
    await pomona.send('a', 'count', 'first');
    const often = pomona.send('a', 'wait', { ms: 1_500, often: true }, { idempotent: true });
    const once = codeOf(pomona.send('a', 'wait', { ms: 1_500, once: true }));
    await eventually(
      () => runs.length === 3,
      () => 'the commands did not begin',
    );
    const { port } = server;
    await server.kill('SIGTERM');
    server = await start(port);
    expect(await Promise.all([often, once])).toEqual(['waited', 'disconnected']);
    await eventually(
      () => runs.length === 4,
      () => `${JSON.stringify(runs)} were heard`,
    );
    expect(runs.at(-1)).toMatchObject({ often: true });
  });

  it('after a crash likewise, and one that waits for the connection is sent once', async () => {
    const { pomona, runs } = client(index);
    await pomona.send('a', 'count', 'first');
    const often = pomona.send('a', 'wait', { ms: 800, often: true }, { idempotent: true });
    const once = codeOf(pomona.send('a', 'wait', { ms: 800, once: true }));
    await eventually(
      () => runs.length === 3,
      () => 'the commands did not begin',
    );
    const { port } = server;
    await server.kill('SIGKILL');
    await eventually(
      () => pomona.state !== 'open',
      () => 'Pomona noticed nothing',
      10_000,
    );
    const waiting = pomona.send('a', 'count', 'late');
    server = await start(port);
    expect(await Promise.all([often, once, waiting])).toEqual(['waited', 'disconnected', 'late']);
    expect(runs.slice(3)).toHaveLength(2);
  });
});
