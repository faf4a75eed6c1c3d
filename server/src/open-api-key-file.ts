/** The file of further API keys, as the configuration names it. */
import { METHODS } from './api/methods/index.js';
import { parseKeys } from './auth/api-keys/api-key-list.js';
import type { ApiKey, ApiKeys } from './auth/api-keys/api-keys.js';
import { ConfigError } from './config/config.js';
import { type Clock, systemClock } from './core/time/clock.js';
import type { Log } from './observe/log.js';
import { looseRights } from './stores/state-folder/file-rights.js';
import { WatchedFile } from './stores/state-folder/watched-file.js';

const MAX_BYTES = 1024 * 1024;

/** The file of further API keys, and what it goes with. */
export interface ApiKeyFileOptions {
  readonly file: string;
  /** Receives the keys of the file. */
  readonly keys: ApiKeys;
  readonly log: Log;
  readonly clock?: Pick<Clock, 'after'>;
}

/** Reads the keys of the file; its `watch` reads them again when they have changed. @throws ConfigError */
export function openApiKeyFile(options: ApiKeyFileOptions): WatchedFile<ApiKey[]> {
  const { file, keys, log, clock = systemClock } = options;
  const loose = looseRights(file);
  if (loose !== null) log.warn({ file }, loose);
  const methods = METHODS.map(({ name }) => name);
  const watched = new WatchedFile({
    ...{ file, clock, maxBytes: MAX_BYTES },
    parse: (text) => parseKeys(text, { methods, isFull: (digest) => keys.isFull(digest) }),
    errorOf: (message) => new ConfigError(`apiKeys: ${message}`),
    onChange(scoped) {
      keys.replaceScoped(scoped);
      log.info({ file, names: scoped.map(({ name }) => name) }, 'the API keys were read again');
    },
    onFault: (error) => log.error({ error }, 'the API keys stay as they were'),
  });
  keys.replaceScoped(watched.content);
  return watched;
}
