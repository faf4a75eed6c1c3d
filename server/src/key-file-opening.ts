/** The file of further API keys, as the configuration names it. */
import { METHODS } from './api/methods/index.js';
import type { ApiKeys } from './auth/api-keys.js';
import { KeyFile } from './auth/key-file.js';
import { KeyFileError } from './auth/key-list.js';
import { ConfigError } from './config/config.js';
import { systemClock } from './core/clock.js';
import type { Log } from './observe/log.js';

/** Reads the keys of `file` into `keys`, to be watched; null where none is configured. @throws ConfigError */
export function openKeyFile(file: string | undefined, keys: ApiKeys, log: Log): KeyFile | null {
  if (file === undefined) return null;
  try {
    return new KeyFile({
      file,
      keys,
      methods: METHODS.map(({ name }) => name),
      clock: systemClock,
      onChange: (names) => log.info({ file, names }, 'the API keys were read again'),
      onFault: ({ message }) => log.error({ error: message }, 'the API keys stay as they were'),
    });
  } catch (error) {
    throw error instanceof KeyFileError ? new ConfigError(`apiKeys: ${error.message}`) : error;
  }
}
