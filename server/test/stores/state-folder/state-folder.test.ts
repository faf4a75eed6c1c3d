import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixture } from '../../../../protocol/test/fixtures.js';
import { StateFolder, StateFolderError } from '../../../src/stores/state-folder/state-folder.js';
import { tempFolder } from '../../support/temp-folder.js';

const unexpected = (error: unknown): never => {
  throw error;
};

const DAY_MS = 24 * 60 * 60 * 1000;
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);
const newPath = () => join(tempFolder(), 'deep', 'state');

describe('the state folder', () => {
  it('is made for its owner alone, with every file in it, and is not for git', () => {
    const path = newPath();
    const state = new StateFolder(path, unexpected);
    state.made('api-key');
    state.ticketSecrets(0);
    expect(modeOf(path)).toBe('700');
    expect(readdirSync(path).sort()).toEqual(['.gitignore', 'api-key', 'ticket-secrets.json']);
    for (const file of readdirSync(path)) expect(modeOf(join(path, file)), file).toBe('600');
    expect(readFileSync(join(path, '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('is refused when others may write to it', () => {
    const path = tempFolder();
    chmodSync(path, 0o777);
    expect(() => new StateFolder(path, unexpected)).toThrow(StateFolderError);
    expect(() => new StateFolder(path, unexpected)).toThrow('chmod 700');
  });

  it('is refused where it cannot be made', () => {
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');
    expect(() => new StateFolder(join(file, 'state'), unexpected)).toThrow(StateFolderError);
  });
});

describe('the API key', () => {
  it('is made once and then kept', () => {
    const path = newPath();
    const first = new StateFolder(path, unexpected).made('api-key');
    expect(first).toEqual({ key: expect.stringMatching(/^[\w-]{32}$/), keys: [first.key], isNew: true });
    expect(new StateFolder(path, unexpected).made('api-key')).toEqual({ ...first, isNew: false });
    expect(new StateFolder(newPath(), unexpected).made('api-key').key).not.toBe(first.key);
  });

  it('is not taken from a file that is cut short: the error names it and what to do', () => {
    const path = newPath();
    new StateFolder(path, unexpected).made('api-key');
    writeFileSync(join(path, 'api-key'), 'short\n');
    expect(() => new StateFolder(path, unexpected).made('api-key')).toThrow(/holds no valid key: delete it/);
  });

  it('that cannot be read is an error that names the file', () => {
    const path = newPath();
    const state = new StateFolder(path, unexpected);
    mkdirSync(join(path, 'api-key'));
    expect(() => state.made('api-key')).toThrow(/api-key" cannot be read/);
  });
});

describe('a file with several lines', () => {
  it.each(fixture('secrets').map((row) => [row.name, row] as const))(
    'that has %s holds what the golden file says: the first signs, all verify',
    (_name, { text, secrets }) => {
      const path = newPath();
      const state = new StateFolder(path, unexpected);
      for (const name of ['api-key', 'webhook-secret']) writeFileSync(join(path, name), text);
      if (secrets === null) {
        expect(() => state.made('api-key')).toThrow(/api-key" holds no valid key/);
        expect(() => state.made('webhook-secret').key).toThrow(/webhook-secret" holds no valid key/);
      } else {
        expect(state.made('api-key')).toEqual({ key: secrets[0], keys: secrets, isNew: false });
        expect(state.made('webhook-secret').key).toBe(secrets[0]);
      }
    },
  );
});

describe('the secret of tokens', () => {
  it('is made once, of 32 bytes, for its owner alone, and then kept', () => {
    const path = newPath();
    const secret = new StateFolder(path, unexpected).made('token-secret').key;
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(new StateFolder(path, unexpected).made('token-secret').key).toBe(secret);
    expect(new StateFolder(newPath(), unexpected).made('token-secret').key).not.toBe(secret);
    expect(modeOf(join(path, 'token-secret'))).toBe('600');
  });

  it('has at least 32 characters: a shorter one is an error that names its file', () => {
    const path = newPath();
    const state = new StateFolder(path, unexpected);
    writeFileSync(join(path, 'token-secret'), `${'x'.repeat(31)}\n`);
    expect(() => state.made('token-secret').key).toThrow(/token-secret" holds no valid key: delete it/);
    writeFileSync(join(path, 'token-secret'), `${'x'.repeat(32)}\n`);
    expect(state.made('token-secret').key).toBe('x'.repeat(32));
  });
});

describe('the secrets of tickets', () => {
  it('are made at random, 32 bytes long, and outlive a restart', () => {
    const path = newPath();
    const secrets = new StateFolder(path, unexpected).ticketSecrets(0);
    expect(secrets.map((secret) => secret.length)).toEqual([32]);
    expect(new StateFolder(path, unexpected).ticketSecrets(1)).toEqual(secrets);
    expect(new StateFolder(newPath(), unexpected).ticketSecrets(0)).not.toEqual(secrets);
  });

  it('are replaced after a day; the one before stays good, the one before that does not', () => {
    const path = newPath();
    const state = new StateFolder(path, unexpected);
    const [first] = state.ticketSecrets(0);
    expect(state.ticketSecrets(DAY_MS)).toEqual([first]);
    const [second, ...older] = state.ticketSecrets(DAY_MS + 1);
    expect(older).toEqual([first]);
    const third = state.ticketSecrets(2 * DAY_MS + 2);
    expect(third.slice(1)).toEqual([second]);
    expect(new StateFolder(path, unexpected).ticketSecrets(2 * DAY_MS + 3)).toEqual(third);
    expect(new Set(third.map(String)).size).toBe(2);
  });

  it('are replaced when the server was away for longer', () => {
    const path = newPath();
    const [first] = new StateFolder(path, unexpected).ticketSecrets(0);
    const later = new StateFolder(path, unexpected).ticketSecrets(5 * DAY_MS);
    expect(later).toHaveLength(2);
    expect(later[1]).toEqual(first);
  });

  it.each(['', '{', '{}', 'null', '{"madeAt":1,"secrets":[]}', '{"madeAt":1,"secrets":["xyz"]}'])(
    'in a damaged file are an error that names it and what to do: %s',
    (text) => {
      const path = newPath();
      const state = new StateFolder(path, unexpected);
      writeFileSync(join(path, 'ticket-secrets.json'), text);
      expect(() => state.ticketSecrets(0)).toThrow(/ticket-secrets.json" is damaged: delete it/);
      expect(readFileSync(join(path, 'ticket-secrets.json'), 'utf8')).toBe(text);
    },
  );

  it('are replaced whole: nothing half written is left where they are read', () => {
    const path = newPath();
    new StateFolder(path, unexpected).ticketSecrets(0);
    expect(existsSync(join(path, 'ticket-secrets.json.new'))).toBe(false);
  });
});

it('goes on with its secret when that cannot be replaced, and tries again a minute later', () => {
  const folder = join(tempFolder(), 'state');
  const faults: unknown[] = [];
  const state = new StateFolder(folder, (error) => faults.push(error));
  const [first] = state.ticketSecrets(0);
  // Nothing can be written where a folder is in the way.
  rmSync(join(folder, 'ticket-secrets.json'));
  mkdirSync(join(folder, 'ticket-secrets.json'));
  expect(state.ticketSecrets(2 * DAY_MS)).toEqual([first]);
  expect(state.ticketSecrets(2 * DAY_MS + 1_000)).toEqual([first]);
  expect(faults).toHaveLength(1);
  rmdirSync(join(folder, 'ticket-secrets.json'));
  expect(state.ticketSecrets(2 * DAY_MS + 61_000)).toEqual([expect.any(Buffer), first]);
});

it('is refused when it belongs to somebody else', () => {
  const folder = tempFolder();
  chownSync(folder, 1234, 1234);
  expect(() => new StateFolder(folder, unexpected)).toThrow(
    process.getuid?.() === 1234 ? /never/ : /another user owns/,
  );
});
