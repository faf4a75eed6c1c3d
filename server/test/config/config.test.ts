import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixture } from '../../../protocol/test/fixtures.js';
import { ConfigError, completeConfig, configSchema } from '../../src/config/config.js';
import { loadConfig, TEXT_FIELDS } from '../../src/config/sources.js';
import { tempFolder } from '../support/temp-folder.js';

/** A configuration file with this content. */
function fileOf(content: unknown): string {
  const file = join(tempFolder(), 'dobby.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const load = (sources: Partial<Parameters<typeof loadConfig>[0]>) =>
  loadConfig({ environment: {}, flags: {}, ...sources });

describe('a configuration', () => {
  it('need not say anything', () => {
    expect(completeConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 4020,
      endpoint: '/comet',
      stateDir: '.dobby',
      public: [],
      allowedOrigins: [],
      trustedProxies: ['loopback'],
      sessionTtlMs: 30_000,
      grantWaitMs: 10_000,
      pingIntervalMs: 25_000,
      demo: false,
    });
    expect(completeConfig({})).not.toHaveProperty('apiKey');
  });

  it('completes the policy of a path', () => {
    const { paths } = completeConfig({
      paths: [{ pattern: 'a' }, { pattern: 'b', log: { maxUpdates: 5 } }, { pattern: 'c', log: false }],
    });
    const log = { maxUpdates: 1_000, maxBytes: 1024 * 1024, maxAgeMs: 300_000 };
    const rest = { state: { maxKeys: 10_000, maxBytes: 4 * 1024 * 1024 }, slow: 'resume' };
    expect(paths).toEqual([
      { pattern: 'a', log, ...rest },
      { pattern: 'b', log: { ...log, maxUpdates: 5 }, ...rest },
      { pattern: 'c', log: false, ...rest, state: false },
    ]);
  });

  it.each([
    [{ port: '4020' }, 'port'],
    [{ port: 65_536 }, 'port'],
    [{ port: 1.5 }, 'port'],
    [{ host: '' }, 'host'],
    [{ endpoint: 'comet' }, 'endpoint'],
    [{ endpoint: '/a?b' }, 'endpoint'],
    [{ endpoint: '/pomona.js' }, 'endpoint'],
    [{ endpoint: '/pomona-state.js' }, 'endpoint'],
    [{ endpoint: '/pomona-commands.js' }, 'endpoint'],
    [{ endpoint: '/pomona-tokens.js' }, 'endpoint'],
    [{ apiKey: 'short' }, 'apiKey'],
    [{ public: ['{name'] }, 'public.0'],
    [{ public: 'all' }, 'public'],
    [{ paths: [{ pattern: 'a' }, { pattern: '*' }] }, 'paths.1.pattern'],
    [{ paths: [{ pattern: 'a', log: { maxUpdates: 0 } }] }, 'paths.0.log'],
    [{ sessionTtlMs: 0 }, 'sessionTtlMs'],
    [{ logLevel: 'loud' }, 'logLevel'],
    [{ demo: 'yes' }, 'demo'],
    [{ prot: 4020 }, 'prot'],
  ])('with %j is refused, and the field at fault is named', (input, field) => {
    expect(() => completeConfig(input, 'here')).toThrow(ConfigError);
    expect(() => completeConfig(input, 'here')).toThrow(new RegExp(`^here: .*${field}`));
  });

  it('names every field at fault, not only the first', () => {
    expect(() => completeConfig({ port: -1, host: '' })).toThrow(/host: .*; port: /);
  });

  it('of any kind is completed or refused, and nothing else is thrown', () => {
    const fields = fc.dictionary(
      fc.oneof(fc.constantFrom(...Object.keys(configSchema.shape)), fc.string()),
      fc.jsonValue(),
    );
    const property = fc.property(fc.oneof(fields, fc.anything()), (input) => {
      try {
        completeConfig(input);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe('the sources', () => {
  it('go one over the other: defaults, file, environment, command line', () => {
    const file = fileOf({ host: 'file', port: 1, endpoint: '/file', public: ['file'] });
    const environment = { DOBBY_PORT: '2', DOBBY_ENDPOINT: '/environment', DOBBY_PUBLIC: 'a, b/{name*} ,,c' };
    const config = load({ file, environment, flags: { endpoint: '/flag' } });
    expect(config).toMatchObject({
      host: 'file',
      port: 2,
      endpoint: '/flag',
      public: ['a', 'b/{name*}', 'c'],
      stateDir: '.dobby',
    });
  });

  it('read the file that the environment names, unless the command line names one', () => {
    const environment = { DOBBY_CONFIG: fileOf({ port: 1 }) };
    expect(load({ environment }).port).toBe(1);
    expect(load({ environment, file: fileOf({ port: 2 }) }).port).toBe(2);
  });

  it('treat an empty variable as none', () => {
    expect(load({ environment: { DOBBY_PORT: '', DOBBY_CONFIG: '', DOBBY_DEMO: '' } }).port).toBe(4020);
  });

  it.each([
    ['true', true],
    ['1', true],
    ['YES', true],
    ['on', true],
    ['false', false],
    ['0', false],
    ['no', false],
    ['Off', false],
  ])('read a switch: %s', (text, value) => {
    expect(load({ environment: { DOBBY_DEMO: text } }).demo).toBe(value);
    expect(load({ environment: {}, flags: { demo: true } }).demo).toBe(true);
  });

  it.each([
    [{ environment: { DOBBY_PORT: 'http' } }, /^environment: .*port/],
    [{ environment: { DOBBY_PORT: '4e3' } }, /^environment: .*port/],
    [{ environment: { DOBBY_DEMO: 'maybe' } }, /^environment: .*demo/],
    [{ environment: { DOBBY_PUBLIC: 'ok,{' } }, /^environment: .*public\.1/],
    [{ flags: { port: '70000' } }, /^command line: .*port/],
    [{ flags: { logLevel: 'loud' } }, /^command line: .*logLevel/],
  ])('name the one at fault and its field: %j', (sources, message) => {
    expect(() => load(sources)).toThrow(ConfigError);
    expect(() => load(sources)).toThrow(message);
  });

  it.each(['', '{', '[]', 'null', '7', '{"port":"x"}', '{"prot":1}', '{"__proto__":{"port":1}}'])(
    'name the file at fault: %s',
    (text) => {
      const file = fileOf(text);
      expect(() => load({ file })).toThrow(ConfigError);
      expect(() => load({ file })).toThrow(file);
    },
  );

  it('name a file that is not there', () => {
    const file = join(tempFolder(), 'none.json');
    expect(() => load({ file })).toThrow(new ConfigError(`there is no file ${file} (--config)`));
    const environment = { DOBBY_CONFIG: file };
    expect(() => load({ environment })).toThrow(new ConfigError(`there is no file ${file} (DOBBY_CONFIG)`));
  });
});

describe('the names of fields', () => {
  it('are the same word as flag and as variable', () => {
    const names = Object.fromEntries(TEXT_FIELDS.map(({ name, flag, variable }) => [name, [flag, variable]]));
    expect(names).toMatchObject({
      port: ['--port', 'DOBBY_PORT'],
      stateDir: ['--state-dir', 'DOBBY_STATE_DIR'],
      apiKey: [null, 'DOBBY_API_KEY'],
      allowedOrigins: ['--allowed-origins', 'DOBBY_ALLOWED_ORIGINS'],
      maxLogBytes: ['--max-log-bytes', 'DOBBY_MAX_LOG_BYTES'],
      maxOpensPerSecond: ['--max-opens-per-second', 'DOBBY_MAX_OPENS_PER_SECOND'],
      tickets: ['--no-tickets', 'DOBBY_TICKETS'],
    });
  });

  it('with "no-" in front say what there is not', () => {
    const tickets = TEXT_FIELDS.find(({ name }) => name === 'tickets');
    expect(tickets?.flagDescription).toMatch(/^tickets name their session only/);
    const negated = TEXT_FIELDS.filter(({ flag }) => flag?.startsWith('--no-'));
    expect(negated.filter((field) => field.flagDescription === field.description)).toEqual([]);
  });

  it('are there for every field but "paths", each described, of the right kind', () => {
    const fields = Object.keys(configSchema.shape).filter((name) => name !== 'paths');
    expect(TEXT_FIELDS.map(({ name }) => name).sort()).toEqual(fields.sort());
    for (const { name, description } of TEXT_FIELDS) expect(description.length, name).toBeGreaterThan(10);
    const kinds = Object.fromEntries(TEXT_FIELDS.map(({ name, kind }) => [name, kind]));
    expect(kinds).toMatchObject({
      port: 'number',
      demo: 'switch',
      public: 'list',
      host: 'text',
      apiKey: 'text',
      logLevel: 'text',
    });
  });
});

describe('who may connect', () => {
  it.each([
    'app.example',
    '*',
    'null',
    '',
    'file:///x',
    'https://app.example/page',
    'https://user@app.example',
  ])('is not said by the origin "%s"', (origin) => {
    expect(() => completeConfig({ allowedOrigins: [origin] })).toThrow(/allowedOrigins\.0: not an origin/);
  });

  it('is said by an origin as one writes it', () => {
    const { allowedOrigins } = completeConfig({
      allowedOrigins: ['https://App.example:443/', 'http://dev.example:8000'],
    });
    expect(allowedOrigins).toEqual(['https://app.example', 'http://dev.example:8000']);
  });

  it.each([
    'proxy.example',
    '10.0.0',
    '10.0.0.0/',
    '10.0.0.0/x',
    '10.0.0.0/33',
    '10.0.0.0/8/9',
    '',
    'loopback/8',
  ])('is not seen through the proxy "%s"', (proxy) => {
    expect(() => completeConfig({ trustedProxies: [proxy] })).toThrow(
      /trustedProxies\.0: neither an address/,
    );
  });

  it.each(['short', 'sixteen characters', ''])('is not proven by the key "%s"', (apiKey) => {
    expect(() => completeConfig({ apiKey })).toThrow(/apiKey: at least 16 characters/);
  });

  it.each(fixture('secrets').map((row) => [row.name, row] as const))(
    'takes of keys and secrets %s as the golden file says',
    (_name, { text, secrets }) => {
      for (const name of ['apiKey', 'webhookSecret'] as const) {
        const complete = () => completeConfig({ [name]: text });
        if (secrets === null) expect(complete).toThrow(`${name}: at least 16 characters`);
        else expect(complete()[name]).toBe(text);
      }
    },
  );

  it('is pinged no less often than the protocol says', () => {
    expect(() => completeConfig({ pingIntervalMs: 25_001 })).toThrow(/pingIntervalMs/);
  });
});
