/** The file of further API keys, as the configuration names it. */
import { METHODS } from './api/methods/index.js';
import { ApiKeyFile } from './auth/api-keys/api-key-file.js';
import { ApiKeyFileError } from './auth/api-keys/api-key-list.js';
import type { ApiKeys } from './auth/api-keys/api-keys.js';
import { ConfigError } from './config/config.js';
import { systemClock } from './core/time/clock.js';
import type { Log } from './observe/log.js';
import { looseRights } from './stores/state-folder/file-rights.js';

/** Reads the keys of `file` into `keys`, to be watched; null where none is configured. @throws ConfigError */
export function openApiKeyFile(file: string | undefined, keys: ApiKeys, log: Log): ApiKeyFile | null {
  if (file === undefined) return null;
  const loose = looseRights(file);
  if (loose !== null) log.warn({ file }, loose);
  try {
    return new ApiKeyFile({
      file,
      keys,
      methods: METHODS.map(({ name }) => name),
      clock: systemClock,
      onChange: (names) => log.info({ file, names }, 'the API keys were read again'),
      onFault: ({ message }) => log.error({ error: message }, 'the API keys stay as they were'),
    });
  } catch (error) {
    throw error instanceof ApiKeyFileError ? new ConfigError(`apiKeys: ${error.message}`) : error;
  }
}
