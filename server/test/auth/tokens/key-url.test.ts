import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TokenKeysError } from '../../../src/auth/tokens/key-set.js';
import { TokenKeys } from '../../../src/auth/tokens/token-keys.js';
import { FakeClock } from '../../support/fake-clock.js';
import { codeOf, KEYS, type KeyServer, keyServer, makeKey, SET, serving, TestLog } from './token-world.js';

const { ES256, EdDSA } = KEYS;
const NEW = makeKey('ES256', 'new');
const WITH_NEW = { keys: [...SET.keys, NEW.jwk] };
const MINUTE_MS = 60_000;
const header = { alg: 'ES256', kid: 'ES256' };
const newHeader = { alg: 'ES256', kid: 'new' };

function connect(location: string) {
  const clock = new FakeClock();
  const log = new TestLog();
  const keys = new TokenKeys({ secrets: [], location, clock, log });
  onTestFinished(() => keys.stop());
  const codes = async (...headers: { alg: string; kid?: string }[]) =>
    (await Promise.all(headers.map((each) => keys.find(each)))).map(codeOf);
  return { clock, log, keys, codes };
}

async function setUp(answer?: KeyServer['answer']) {
  const server = await keyServer(answer);
  return { server, ...connect(server.url) };
}

/** Waits until the server has been asked so often. */
async function askedTimes(server: KeyServer, times: number): Promise<void> {
  await expect.poll(() => server.asked, { interval: 5, timeout: 3_000 }).toBe(times);
}

describe('a URL of keys', () => {
  it('is asked by the first token, once, whoever else waits for it', async () => {
    const { server, codes } = await setUp();
    expect(server.asked).toBe(0);
    expect(await codes(header, header, { alg: 'EdDSA' }, { alg: 'HS256' })).toEqual([
      'good',
      'good',
      'good',
      'bad_token',
    ]);
    expect(server.asked).toBe(1);
  });

  it('is asked at the start without waiting, and then by no token', async () => {
    const { server, keys, log, codes } = await setUp();
    keys.start();
    keys.start();
    expect(await codes(header)).toEqual(['good']);
    keys.start();
    expect(server.asked).toBe(1);
    expect(log.lines).toEqual([]);
  });

  it('says in the log at the start that something is wrong', async () => {
    const { server, keys, log } = await setUp(serving({}, 404));
    keys.start();
    await expect.poll(() => log.levels, { interval: 5 }).toEqual(['error']);
    expect(log.text).toContain('status 404');
    expect(server.asked).toBe(1);
  });

  it('is asked again in the background after ten minutes, while the keys that are known go on', async () => {
    const { server, clock, codes } = await setUp();
    await codes(header);
    clock.spend(10 * MINUTE_MS - 1);
    expect(await codes(header)).toEqual(['good']);
    expect(server.asked).toBe(1);
    let release: () => void = () => undefined;
    server.answer = (response) => {
      release = () => serving(WITH_NEW)(response);
    };
    clock.spend(1);
    // Nobody answers yet, and nobody waits.
    expect(await codes(header, header)).toEqual(['good', 'good']);
    await askedTimes(server, 2);
    release();
    expect(await codes(newHeader, header)).toEqual(['good', 'good']);
    expect(server.asked).toBe(2);
  });

  it('is asked again by a token that names a key which is not known', async () => {
    const { server, clock, codes } = await setUp();
    await codes(header);
    server.answer = serving(WITH_NEW);
    clock.spend(29_999);
    expect(await codes(newHeader)).toEqual(['bad_token']);
    expect(server.asked).toBe(1);
    clock.spend(1);
    expect(await codes(newHeader, newHeader, header)).toEqual(['good', 'good', 'good']);
    expect(server.asked).toBe(2);
  });

  it('is asked once in 30 s by a flood of keys that are not known', async () => {
    const { server, clock, codes } = await setUp();
    await codes(header);
    for (let second = 1; second <= 90; second++) {
      clock.spend(1_000);
      const flood = Array.from({ length: 50 }, (_, i) => ({ alg: 'ES256', kid: `${second}-${i}` }));
      expect(new Set(await codes(...flood))).toEqual(new Set(['bad_token']));
    }
    expect(server.asked).toBe(4);
    expect(await codes(header)).toEqual(['good']);
  });

  it('is not asked for a key that is known and does not fit, or for a token that names none', async () => {
    const { server, clock, codes } = await setUp();
    await codes(header);
    clock.spend(MINUTE_MS);
    expect(
      await codes({ alg: 'RS256', kid: 'ES256' }, { alg: 'none', kid: 'x' }, { alg: 'HS256', kid: 'y' }),
    ).toEqual(['bad_token', 'bad_token', 'bad_token']);
    expect(await codes({ alg: 'ES256' })).toEqual(['good']);
    expect(server.asked).toBe(1);
  });

  it('forgets a key that was taken out of it', async () => {
    const { server, clock, codes } = await setUp();
    await codes(header);
    server.answer = serving({ keys: [EdDSA.jwk] });
    clock.spend(MINUTE_MS);
    expect(await codes(newHeader)).toEqual(['bad_token']);
    expect(await codes(header, { alg: 'EdDSA', kid: 'EdDSA' })).toEqual(['bad_token', 'good']);
  });

  it('makes no more than 4,096 tokens wait', async () => {
    let release: () => void = () => undefined;
    const { server, keys, codes } = await setUp((response) => {
      release = () => serving(SET)(response);
    });
    const waiting = codes(...Array.from({ length: 4_096 }, () => header));
    expect(codeOf(await keys.find(header))).toBe('keys_unavailable');
    await askedTimes(server, 1);
    release();
    expect(new Set(await waiting)).toEqual(new Set(['good']));
    expect(server.asked).toBe(1);
  });

  it('says once what in it is ignored', async () => {
    const weird = { keys: [ES256.jwk, { kty: 'oct', k: 'AAAA', kid: 'shared' }] };
    const { clock, log, codes, server } = await setUp(serving(weird));
    for (let i = 0; i < 3; i++) {
      expect(await codes({ alg: 'ES256', kid: `unknown-${i}` }, { alg: 'HS256', kid: 'shared' })).toEqual([
        'bad_token',
        'bad_token',
      ]);
      clock.spend(MINUTE_MS);
    }
    expect(server.asked).toBe(3);
    expect(log.levels).toEqual(['warn']);
  });
});

/** Every way not to answer, and what the log says of it. */
const FAILURES: [string, KeyServer['answer'], RegExp][] = [
  ['a status of 500', serving(SET, 500), /status 500/],
  ['a status of 204', (response) => response.writeHead(204).end(), /status 204/],
  [
    'a redirect',
    (response) => response.writeHead(302, { Location: '/keys.json?app=1' }).end(JSON.stringify(SET)),
    /status 302: it redirects to \\"http:\/\/127\.0\.0\.1:\d+\/keys\.json\\", and redirects are not followed: .*tokenKeys/,
  ],
  [
    'a redirect elsewhere',
    (response) => response.writeHead(308, { Location: 'https://login.example/?next=x' }).end(),
    /status 308: it redirects to \\"https:\/\/login\.example\/\\"/,
  ],
  [
    'latin1',
    (response) => response.writeHead(200).end(Buffer.from('{"keys":[{"kid":"caf\xe9"}]}', 'latin1')),
    /is not UTF-8/,
  ],
  [
    'another charset',
    (response) =>
      response
        .writeHead(200, { 'Content-Type': 'application/json; charset=latin1' })
        .end(JSON.stringify(SET)),
    /has the charset \\"latin1\\"/,
  ],
  [
    'HTML',
    (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html></html>'),
    /is not JSON/,
  ],
  ['half of it', (response) => response.writeHead(200).end(JSON.stringify(SET).slice(0, 200)), /is not JSON/],
  ['nothing', (response) => response.writeHead(200).end(), /is not JSON/],
  ['an object without keys', serving({}), /is not a key set/],
  ['a private key', serving({ keys: [ES256.privateKey.export({ format: 'jwk' })] }), /private key/],
  [
    '10 MB',
    (response) => {
      response.writeHead(200);
      for (let i = 0; i < 160; i++) response.write(' '.repeat(65_536));
      response.end(JSON.stringify(SET));
    },
    /more than 262144 bytes/,
  ],
  [
    '10 MB, as it says',
    (response) => response.writeHead(200, { 'Content-Length': 1e7 }).end(' '.repeat(1e7)),
    /more than 262144 bytes/,
  ],
  ['a connection that ends', (response) => response.destroy(), /./],
  [
    'a body that ends too soon',
    (response) => response.writeHead(200, { 'Content-Length': 100 }).write('{', () => response.destroy()),
    /./,
  ],
];

describe('a URL of keys that fails', () => {
  it.each(FAILURES)('by %s is told once, and asked again after 5 s', async (_what, answer, reason) => {
    const { server, clock, log, codes } = await setUp(answer);
    expect(await codes(header, header)).toEqual(['keys_unavailable', 'keys_unavailable']);
    clock.spend(4_999);
    expect(await codes(header)).toEqual(['keys_unavailable']);
    expect(server.asked).toBe(1);
    clock.spend(1);
    expect(await codes(header)).toEqual(['keys_unavailable']);
    expect(server.asked).toBe(2);
    expect(log.levels).toEqual(['error']);
    expect(log.text).toMatch(reason);
    server.answer = serving(SET);
    clock.spend(5_000);
    expect(await codes(header)).toEqual(['good']);
    expect(log.levels).toEqual(['error', 'info']);
  });

  it('leaves the keys that are known, for as long as it fails', async () => {
    const { server, clock, log, codes } = await setUp();
    await codes(header);
    server.answer = serving({}, 503);
    for (let hour = 0; hour < 5; hour++) {
      clock.spend(60 * MINUTE_MS);
      expect(await codes(header)).toEqual(['good']);
      await askedTimes(server, 2 + hour);
      // Waits for the fetch that is under way.
      expect(await codes(newHeader)).toEqual(['keys_unavailable']);
    }
    expect(log.levels).toEqual(['error']);
  });

  it('cannot say that a key which is not known is none', async () => {
    const { server, clock, codes } = await setUp();
    await codes(header);
    server.answer = serving({}, 503);
    clock.spend(MINUTE_MS);
    expect(await codes(newHeader, header)).toEqual(['keys_unavailable', 'good']);
    clock.spend(1_000);
    expect(await codes(newHeader)).toEqual(['keys_unavailable']);
    server.answer = serving(WITH_NEW);
    clock.spend(MINUTE_MS);
    expect(await codes(newHeader)).toEqual(['good']);
  });

  it.each<[string, KeyServer['answer']]>([
    ['never answers', () => undefined],
    ['begins to answer and stops', (response) => response.writeHead(200).write('{"keys":')],
    ['refuses and does not end', (response) => response.writeHead(500).write('sorry')],
  ])('is given up after 5 s when it %s', async (_what, answer) => {
    const { server, clock, log, codes } = await setUp(answer);
    const waiting = codes(header, header);
    await askedTimes(server, 1);
    clock.advance(4_999);
    expect(log.levels).toEqual([]);
    clock.advance(1);
    expect(await waiting).toEqual(['keys_unavailable', 'keys_unavailable']);
    expect(log.text).toMatch(/no answer within 5000 ms|status 500/);
    expect(clock.timers).toBe(0);
  });

  it('is told with its reason when nobody listens there', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as { port: number };
    closed.close();
    await once(closed, 'close');
    const { log, codes } = connect(`http://127.0.0.1:${port}/keys.json`);
    expect(await codes(header)).toEqual(['keys_unavailable']);
    expect(log.text).toContain('ECONNREFUSED');
  });

  it.each(['http://', 'https://', 'http://user:word@127.0.0.1/keys.json', 'http://127.0.0.1:99999/'])(
    'is refused at the start when it cannot be one: %s',
    (url) => {
      expect(() => connect(url)).toThrow(TokenKeysError);
      expect(() => connect(url)).not.toThrow('word@');
    },
  );
});

describe('stopping', () => {
  it('ends the fetch that is under way, without a word in the log, and begins no other', async () => {
    const { server, clock, log, keys, codes } = await setUp(() => undefined);
    const waiting = codes(header);
    await askedTimes(server, 1);
    await Promise.all([keys.stop(), keys.stop()]);
    expect(await waiting).toEqual(['keys_unavailable']);
    clock.spend(MINUTE_MS);
    keys.start();
    expect(await codes(header)).toEqual(['keys_unavailable']);
    expect(server.asked).toBe(1);
    expect(log.lines).toEqual([]);
    expect(clock.timers).toBe(0);
    await keys.stop();
  });

  it('leaves the keys that are known', async () => {
    const { keys, codes } = await setUp();
    await codes(header);
    await keys.stop();
    expect(await codes(header)).toEqual(['good']);
  });
});
