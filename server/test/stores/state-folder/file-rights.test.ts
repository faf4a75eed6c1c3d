/** Files that everybody may change are refused by their names, and those that everybody may read are warned of. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ApiKeys } from '../../../src/auth/api-keys/api-keys.js';
import { TokenKeys } from '../../../src/auth/tokens/token-keys.js';
import { loadConfig } from '../../../src/config/sources.js';
import { createDobby } from '../../../src/index.js';
import { openApiKeyFile } from '../../../src/open-api-key-file.js';
import { StateFolder, StateFolderError } from '../../../src/stores/state-folder/state-folder.js';
import { SET, TestLog } from '../../auth/tokens/token-world.js';
import { FakeClock } from '../../support/fake-clock.js';
import { tempFolder } from '../../support/temp-folder.js';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';

function fileOf(name: string, content: string, mode: number): string {
  const file = join(tempFolder(), name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

describe.each([0o666, 0o622, 0o602, 0o777])(
  'a file of mode %o is refused by its name, with what to do',
  (mode) => {
    const refusal = (name: string) =>
      new RegExp(`${name}.*changed by every user.*mode 0${mode.toString(8)}.*chmod 600 ".*${name}"`);

    it.each(['api-key', 'webhook-secret', 'token-secret', 'ticket-secrets.json', 'handoff', 'revocations'])(
      'as %s of the state folder',
      (name) => {
        const file = fileOf(name, `${SECRET}\n`, mode);
        expect(() => new StateFolder(join(file, '..'), () => {})).toThrow(refusal(name));
        expect(() => createDobby({ stateDir: join(file, '..'), logLevel: 'silent' })).toThrow(
          StateFolderError,
        );
      },
    );

    it('as the configuration', () => {
      const file = fileOf('dobby.json', '{}', mode);
      expect(() => loadConfig({ file, environment: {}, flags: {} })).toThrow(refusal('dobby.json'));
    });

    it('as the file of API keys', () => {
      const file = fileOf('keys.json', '[]', mode);
      const parts = { file, keys: new ApiKeys([SECRET]), log: new TestLog() };
      expect(() => openApiKeyFile(parts)).toThrow(refusal('keys.json'));
    });

    it('as the keys of tokens', () => {
      const location = fileOf('jwks.json', JSON.stringify(SET), mode);
      const parts = { secrets: [], location, clock: new FakeClock(), log: new TestLog() };
      expect(() => new TokenKeys(parts)).toThrow(refusal('jwks.json'));
    });
  },
);

describe('a secret', () => {
  it.each([
    [0o600, 0o700, null],
    [0o640, 0o750, null],
    [0o644, 0o700, null],
    [0o644, 0o755, 'read by every user'],
    [0o604, 0o711, 'read by every user'],
    [0o660, 0o700, 'changed by its group'],
  ])('of mode %o in a folder of mode %o is warned of: %s', (mode, folderMode, warning) => {
    const file = fileOf('api-key', `${SECRET}\n`, mode);
    chmodSync(join(file, '..'), folderMode);
    const { warnings } = new StateFolder(join(file, '..'), () => {});
    if (warning === null) expect(warnings).toEqual([]);
    else
      expect(warnings).toEqual([
        expect.stringMatching(`api-key" holds secrets and can be ${warning}.*chmod 600`),
      ]);
  });

  it('in a configuration that everybody may read is warned of, and without one that is no matter', () => {
    const warned = vi.fn();
    for (const content of ['{}', JSON.stringify({ apiKey: SECRET })]) {
      const file = fileOf('dobby.json', content, 0o644);
      chmodSync(join(file, '..'), 0o755);
      loadConfig({ file, environment: {}, flags: {}, onWarning: warned });
    }
    expect(warned.mock.calls).toEqual([
      [expect.stringMatching(/dobby\.json" holds secrets and can be read/)],
    ]);
  });
});
