/** How commands find the server they talk to, and what they say when something else answers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { endpointUrl, serverUrl } from '../../src/cli/client.js';
import { createDobby, type Dobby } from '../../src/index.js';
import { runCommand } from '../support/run-command.js';
import { makeTempFolder, tempFolder } from '../support/temp-folder.js';
import { openEventStream } from '../transports/wires.js';

const KEY = 'a-key-of-the-tests-0123456789';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

const run = runCommand;

function configFile(content: object): string {
  const file = join(tempFolder(), 'dobby.json');
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  return file;
}

describe('the server of a command', () => {
  it.each<[string, Parameters<typeof serverUrl>[0], Record<string, string>, string]>([
    ['is the standard one', {}, {}, 'http://127.0.0.1:4020'],
    ['is at the port of a flag', { port: '4021' }, {}, 'http://127.0.0.1:4021'],
    ['is at the port of the environment', {}, { DOBBY_PORT: '4022' }, 'http://127.0.0.1:4022'],
    ['is at the host of the environment', {}, { DOBBY_HOST: 'push.internal' }, 'http://push.internal:4020'],
    ['is here when it listens everywhere', {}, { DOBBY_HOST: '0.0.0.0' }, 'http://127.0.0.1:4020'],
    ['is here when it listens everywhere in IPv6', {}, { DOBBY_HOST: '::' }, 'http://[::1]:4020'],
    [
      'is named by --url before all',
      { url: 'https://a.example/', port: '1' },
      { DOBBY_URL: 'http://b' },
      'https://a.example',
    ],
    [
      'is named by DOBBY_URL before other variables',
      {},
      { DOBBY_URL: 'http://b', DOBBY_PORT: '1' },
      'http://b',
    ],
    [
      'is named by --port before DOBBY_URL',
      { port: '4021' },
      { DOBBY_URL: 'http://b' },
      'http://127.0.0.1:4021',
    ],
  ])('%s', (_what, flags, variables, url) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    expect(serverUrl(flags)).toBe(url);
  });

  it('is at the port and the endpoint of the configuration file', () => {
    const file = configFile({ port: 4023, host: '::1', endpoint: '/push' });
    expect(serverUrl({ config: file })).toBe('http://[::1]:4023');
    expect(endpointUrl({ config: file })).toBe('http://[::1]:4023/push');
    vi.stubEnv('DOBBY_CONFIG', file);
    expect(serverUrl({})).toBe('http://[::1]:4023');
    expect(serverUrl({ port: '4024' })).toBe('http://[::1]:4024');
    expect(endpointUrl({ url: 'http://a' })).toBe('http://a/push');
  });

  it('cannot be found at port 0', () => {
    vi.stubEnv('DOBBY_PORT', '0');
    expect(() => serverUrl({})).toThrow(/port 0.*--url or --port/);
  });
});

describe('a command', () => {
  let dobby: Dobby;
  let url: string;
  let folder: ReturnType<typeof makeTempFolder>;
  let port: string;

  beforeAll(async () => {
    folder = makeTempFolder();
    dobby = createDobby({ port: 0, stateDir: folder.path, apiKey: KEY, logLevel: 'silent' });
    url = await dobby.start();
    port = new URL(url).port;
  });

  afterAll(async () => {
    await dobby.stop();
    folder.remove();
  });

  const session = async (user: string | null): Promise<string> => {
    const wire = await openEventStream(`${url}/comet`, { type: 'open', protocol: 1 });
    onTestFinished(() => wire.cut());
    const id = String(wire.opened['id']);
    if (user !== null) await dobby.connect(id, [], user);
    return id;
  };

  it('finds server and key by --port, DOBBY_PORT and the configuration', async () => {
    vi.stubEnv('DOBBY_API_KEY', KEY);
    expect(await run('update', 'a', '1', '--port', port)).toMatchObject({ code: 0 });
    expect(await run('--port', port, 'update', 'a', '2')).toMatchObject({ code: 0 });
    vi.stubEnv('DOBBY_PORT', port);
    const { out } = await run('history', 'a');
    expect(out.split('\n').map((line) => line && JSON.parse(line).message)).toEqual([1, 2, '']);
    vi.unstubAllEnvs();
    const file = configFile({ port: Number(port), apiKey: KEY });
    expect(await run('info', '--config', file)).toMatchObject({ code: 0 });
    vi.stubEnv('DOBBY_CONFIG', file);
    expect(JSON.parse((await run('info')).out)).toMatchObject({ updates: 2 });
  });

  it('lists sessions, as many as are wanted, over pages', async () => {
    const ids = [await session('ann'), await session('bob'), await session('ann')];
    const list = async (...flags: string[]) =>
      (await run('sessions', '--url', url, '--key', KEY, ...flags)).out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { id: string }).id);
    expect(await list()).toEqual([...ids].sort());
    expect(await list('--user', 'bob')).toEqual([ids[1]]);
    expect(await list('--limit', '2')).toEqual([...ids].sort().slice(0, 2));
    expect(await list('--address', '::ffff:127.0.0.1')).toEqual([...ids].sort());
    expect(await list('--transport', 'websocket')).toEqual([]);
    expect(await run('sessions', '--url', url, '--key', KEY, '--limit', '0')).toMatchObject({ code: 1 });
  });

  it('kicks, and says truly how many sessions ended', async () => {
    const kick = async (...args: string[]) => run('kick', '--url', url, '--key', KEY, ...args);
    const id = await session('cat');
    await session('cat');
    expect(JSON.parse((await kick(id)).out)).toEqual({ kicked: true, sessions: 1 });
    expect(JSON.parse((await kick('--user', 'cat', '--no-reconnect')).out)).toEqual({
      kicked: true,
      sessions: 1,
    });
    expect(JSON.parse((await kick('--user', 'cat')).out)).toEqual({ kicked: false, sessions: 0 });
    expect(JSON.parse((await kick('--login', 'tag')).out)).toEqual({ kicked: false, sessions: 0 });
    expect(await kick('nobody')).toMatchObject({ code: 1, err: expect.stringContaining('unknown_session') });
    expect(await kick()).toMatchObject({ code: 1, err: expect.stringContaining('--user') });
    expect(await kick(id, '--user', 'cat')).toMatchObject({ code: 1 });
  });
});

describe('a server that is another one', () => {
  async function answering(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it.each([301, 302, 303, 307, 308])(
    'redirects by %i: nothing follows, and the message says where to',
    async (status) => {
      const seen: string[] = [];
      const url = await answering((request, response) => {
        seen.push(`${request.method} ${request.url}`);
        response.writeHead(status, { Location: '/login/?next=/secret' }).end();
      });
      const { port } = new URL(url);
      for (const [command, ...args] of [
        ['update', 'a', '1'],
        ['watch', 'a'],
        ['history', 'a'],
        ['info'],
        ['sessions'],
        ['kick', 'x'],
      ]) {
        const { err, code } = await run(String(command), ...args, '--port', port, '--key', KEY);
        expect(code, command).toBe(1);
        expect(err, command).toContain(`answered ${status}: it redirects to "${url}/login/"`);
        expect(err, command).not.toContain('secret');
      }
      expect(seen.length).toBe(6);
      expect(seen.every((line) => line.startsWith('POST '))).toBe(true);
    },
  );

  it('answers as Dobby does not: the message says so', async () => {
    const url = await answering((_request, response) => response.writeHead(404).end('<html>'));
    const { err } = await run('info', '--url', url, '--key', KEY);
    expect(err).toBe(`dobby: ${url} answered 404, and not as Dobby does\n`);
  });
});

it('a key that is not UTF-8 in its file is refused by the name of the file', async () => {
  const folder = join(tempFolder(), 'state');
  mkdirSync(folder);
  writeFileSync(join(folder, 'api-key'), Buffer.from([0x61, 0xe9, 0x0a]));
  const { err, code } = await run('info', '--state-dir', folder);
  expect(code).toBe(1);
  expect(err).toMatch(/api-key.*UTF-8/);
});
