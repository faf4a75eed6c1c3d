/** docs/identity.md: its code is that of the examples, and what it says besides is seen to be so. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { Pomona } from '../../../client/src/index.js';
import { withTokens } from '../../../client/src/tokens/index.js';
import { eventually, type ServerProcess, startServer } from '../../../test/e2e/server-process.js';
import { ROOT } from './example.js';

const PAGE = readFileSync(join(ROOT, 'docs/identity.md'), 'utf8');

/** Each fenced block with its language, and the files of the examples that the line above it names, or the one before. */
function blocks(): { language: string; text: string; files: string[] }[] {
  let files: string[] = [];
  return PAGE.split(/^```/m).flatMap((part, i) => {
    if (i % 2 === 0) {
      const links = [...part.matchAll(/\]\(\.\.\/(examples\/identity\/[\w./-]+\.\w+)\)/g)].map(
        ([, file = '']) => file,
      );
      if (links.length > 0) files = links;
      return [];
    }
    const [language = '', ...lines] = part.split('\n');
    return [{ language, text: lines.join('\n'), files }];
  });
}

/** The commands of the page, block by block. */
const commandsOf = (): string[] =>
  blocks()
    .filter(({ language }) => language === 'sh')
    .map(({ text }) => text.trim());

/** Without indentation, which differs between a file and the page. */
const bare = (text: string) => text.replace(/^\s+/gm, '').trim();

describe('docs/identity.md', () => {
  it.each(blocks().filter(({ language }) => ['js', 'python'].includes(language)))(
    'shows the code of the examples: $text',
    ({ text, files }) => {
      const sources = files.map((file) => bare(readFileSync(join(ROOT, file), 'utf8')));
      for (const part of text.split(/^…$/m).map(bare)) {
        expect(
          sources.some((source) => source.includes(part)),
          part,
        ).toBe(true);
      }
    },
  );

  it('shows commands that the examples give', () => {
    const readme = readFileSync(join(ROOT, 'examples/identity/README.md'), 'utf8');
    const tour = readFileSync(join(ROOT, 'examples/identity/curl/tour.sh'), 'utf8');
    const commands = commandsOf().filter((text) => !text.includes('curl'));
    expect(commands).toHaveLength(2);
    for (const command of commands)
      expect(`${readme}${tour}npx dobby --public 'news/{name*}'`).toContain(command);
  });
});

describe('what it says besides', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function dobby(...flags: string[]): Promise<ServerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'dobby-guide-'));
    const server = await startServer(['--port', '0', '--state-dir', folder, ...flags]);
    ends.push(
      () => rmSync(folder, { recursive: true, force: true }),
      () => server.kill('SIGTERM'),
    );
    return server;
  }

  /** Something that answers every request. */
  async function answering(answer: (request: IncomingMessage, body: string) => unknown): Promise<string> {
    const server: Server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer(request, body)));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    ends.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  function pomonaOf(server: ServerProcess): Pomona {
    const pomona = new Pomona({ url: `${server.url}/comet`, transports: ['event-stream'] });
    ends.push(() => pomona.close());
    return pomona;
  }

  it('the curl lines open a session by a token, and kick', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dobby-guide-'));
    const server = await startServer(['--port', '0', '--state-dir', join(folder, '.dobby')]);
    ends.push(
      () => rmSync(folder, { recursive: true, force: true }),
      () => server.kill('SIGTERM'),
    );
    const [open = '', kick = ''] = commandsOf()
      .filter((text) => text.includes('curl'))
      .map((text) =>
        text
          .replace('npx dobby', `node ${join(ROOT, 'server/bin/dobby.mjs')}`)
          .replace('http://127.0.0.1:4020', server.url)
          .replace('curl', 'curl -s'),
      );
    const run = (command: string) => promisify(execFile)('bash', ['-c', command], { cwd: folder });
    // The stream ends with the session.
    const opened = run(open);
    const key = () => readFileSync(join(folder, '.dobby/api-key'), 'utf8').trim();
    const isThere = async () => {
      const headers = { Authorization: `Bearer ${key()}`, 'Content-Type': 'application/json' };
      const answer = await fetch(`${server.url}/api/sessions`, {
        method: 'POST',
        headers,
        body: '{"user": "ann"}',
      });
      return ((await answer.json()) as { sessions: unknown[] }).sessions.length;
    };
    await expect.poll(isThere, { timeout: 20_000 }).toBe(1);
    const { stdout: kicked } = await run(kick.replace('"7"', '"ann"'));
    expect(kicked).toContain('"sessions":1');
    const { stdout } = await opened;
    expect(stdout).toContain('"subscribed"');
    expect(stdout).toContain('"code":4100');
  });

  it('tokens of an identity provider say who it is, and the back end what they may hear', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
    const jwks = await answering(() => ({ keys: [jwk] }));
    const asked: unknown[] = [];
    const view = await answering((_, body) => {
      asked.push(JSON.parse(body));
      return { grants: ['ledger'], refused: ['attic'] };
    });
    const shown = JSON.parse(blocks().find(({ language }) => language === 'json')?.text ?? '') as Record<
      string,
      string
    >;
    const { tokenIssuer = '', tokenAudience = '' } = shown;
    expect(Object.keys(shown)).toEqual(['tokenKeys', 'tokenIssuer', 'tokenAudience', 'sessionUrl']);
    const server = await dobby(
      ...['--token-keys', jwks, '--token-issuer', tokenIssuer, '--token-audience', tokenAudience],
      ...['--session-url', view],
    );
    const token = (audience: string) =>
      new SignJWT({ sub: 'ann', email: 'ann@example.com' })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .setIssuer(tokenIssuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('10h')
        .sign(privateKey);
    const pomona = withTokens(pomonaOf(server), { session: () => token(tokenAudience) });
    const refused = new Promise<{ code: string }>((resolve) => pomona.on('refused', resolve));
    pomona.connect('attic', () => {});
    await pomona.connect('ledger', () => {}).ready;
    expect((await refused).code).toBe('connect_refused');
    expect(asked).toEqual([
      { type: 'subscribe', user: 'ann', login: null, info: null, paths: ['attic', 'ledger'] },
    ]);
    const other = withTokens(pomonaOf(server), { session: () => token('another-app') });
    const error = new Promise<Error>((resolve) => other.on('error', resolve));
    expect(await error).toMatchObject({ code: 'bad_token', message: expect.stringContaining('(aud)') });
  });

  it('a header of native apps reaches the session view, and a visitor who is not let in is told so', async () => {
    const seen: (string | undefined)[] = [];
    const view = await answering(({ headers }) => {
      seen.push(headers.authorization, headers.cookie);
      return headers.authorization === 'Bearer app' ? { user: 'ann' } : { error: { code: 'not_allowed' } };
    });
    const server = await dobby(
      ...['--session-url', view, '--forward-headers', 'authorization'],
      ...['--public', 'news/{name*}'],
    );
    const open = (headers: Record<string, string>) =>
      fetch(`${server.url}/comet`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: '{"type": "open", "protocol": 1}',
      });
    expect((await open({ authorization: 'Bearer app', cookie: 'sid=1' })).status).toBe(200);
    expect(seen).toEqual(['Bearer app', undefined]);
    const pomona = pomonaOf(server);
    const error = new Promise<{ code: string }>((resolve) => pomona.on('error', resolve));
    expect((await error).code).toBe('not_allowed');
    expect(pomona.state).toBe('closed');
    // Public paths are heard all the same, and nothing else is.
    const heard = await fetch(`${server.url}/comet?path=news/today`);
    expect(heard.status).toBe(200);
    await heard.body?.cancel();
    expect((await fetch(`${server.url}/comet?path=other`)).status).toBe(403);
  });

  it('while the back end is down nobody is let in, until it is back', async () => {
    let isUp = false;
    const view = await answering(() =>
      isUp ? { user: 'ann', grants: ['lobby'] } : 'nothing that it could answer',
    );
    const server = await dobby('--session-url', view);
    const pomona = pomonaOf(server);
    const errors: string[] = [];
    pomona.on('error', ({ code }) => errors.push(code));
    const lobby = pomona.connect('lobby', () => {});
    await eventually(
      () => errors.includes('not_identified'),
      () => JSON.stringify(errors),
    );
    isUp = true;
    await lobby.ready;
  });
});
