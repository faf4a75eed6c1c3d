import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StateFolder, StateFolderError } from '../../src/auth/state-folder.js';
import { tempFolder } from '../support/temp-folder.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);
const newPath = () => join(tempFolder(), 'deep', 'state');

describe('the state folder', () => {
  it('is made for its owner alone, with every file in it, and is not for git', () => {
    const path = newPath();
    const state = new StateFolder(path);
    state.apiKey();
    state.ticketSecrets(0);
    expect(modeOf(path)).toBe('700');
    expect(readdirSync(path).sort()).toEqual(['.gitignore', 'api-key', 'ticket-secrets.json']);
    for (const file of readdirSync(path)) expect(modeOf(join(path, file)), file).toBe('600');
    expect(readFileSync(join(path, '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('is refused when others may write to it', () => {
    const path = tempFolder();
    chmodSync(path, 0o777);
    expect(() => new StateFolder(path)).toThrow(StateFolderError);
    expect(() => new StateFolder(path)).toThrow('chmod 700');
  });

  it('is refused where it cannot be made', () => {
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');
    expect(() => new StateFolder(join(file, 'state'))).toThrow(StateFolderError);
  });
});

describe('the API key', () => {
  it('is made once and then kept', () => {
    const path = newPath();
    const first = new StateFolder(path).apiKey();
    expect(first).toEqual({ key: expect.stringMatching(/^[\w-]{32}$/), isNew: true });
    expect(new StateFolder(path).apiKey()).toEqual({ key: first.key, isNew: false });
    expect(new StateFolder(newPath()).apiKey().key).not.toBe(first.key);
  });

  it('is not taken from a file that is cut short: the error names it and what to do', () => {
    const path = newPath();
    new StateFolder(path).apiKey();
    writeFileSync(join(path, 'api-key'), 'short\n');
    expect(() => new StateFolder(path).apiKey()).toThrow(/api-key" holds no API key; delete it/);
  });

  it('that cannot be read is an error that names the file', () => {
    const path = newPath();
    const state = new StateFolder(path);
    mkdirSync(join(path, 'api-key'));
    expect(() => state.apiKey()).toThrow(/api-key" cannot be read/);
  });
});

describe('the secrets of tickets', () => {
  it('are made at random, 32 bytes long, and outlive a restart', () => {
    const path = newPath();
    const secrets = new StateFolder(path).ticketSecrets(0);
    expect(secrets.map((secret) => secret.length)).toEqual([32]);
    expect(new StateFolder(path).ticketSecrets(1)).toEqual(secrets);
    expect(new StateFolder(newPath()).ticketSecrets(0)).not.toEqual(secrets);
  });

  it('are replaced after a day; the one before stays good, the one before that does not', () => {
    const path = newPath();
    const state = new StateFolder(path);
    const [first] = state.ticketSecrets(0);
    expect(state.ticketSecrets(DAY_MS)).toEqual([first]);
    const [second, ...older] = state.ticketSecrets(DAY_MS + 1);
    expect(older).toEqual([first]);
    const third = state.ticketSecrets(2 * DAY_MS + 2);
    expect(third.slice(1)).toEqual([second]);
    expect(new StateFolder(path).ticketSecrets(2 * DAY_MS + 3)).toEqual(third);
    expect(new Set(third.map(String)).size).toBe(2);
  });

  it('are replaced when the server was away for longer', () => {
    const path = newPath();
    const [first] = new StateFolder(path).ticketSecrets(0);
    const later = new StateFolder(path).ticketSecrets(5 * DAY_MS);
    expect(later).toHaveLength(2);
    expect(later[1]).toEqual(first);
  });

  it.each(['', '{', '{}', 'null', '{"madeAt":1,"secrets":[]}', '{"madeAt":1,"secrets":["xyz"]}'])(
    'in a damaged file are an error that names it and what to do: %s',
    (text) => {
      const path = newPath();
      const state = new StateFolder(path);
      writeFileSync(join(path, 'ticket-secrets.json'), text);
      expect(() => state.ticketSecrets(0)).toThrow(/ticket-secrets.json" is damaged; delete it/);
      expect(readFileSync(join(path, 'ticket-secrets.json'), 'utf8')).toBe(text);
    },
  );

  it('are replaced whole: nothing half written is left where they are read', () => {
    const path = newPath();
    new StateFolder(path).ticketSecrets(0);
    expect(existsSync(join(path, 'ticket-secrets.json.new'))).toBe(false);
  });
});
