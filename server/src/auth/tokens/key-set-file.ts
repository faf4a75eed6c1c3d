/** Token keys from a file, which is read again when it has changed. While it is broken the last keys stay valid. */
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import { WatchedFile } from '../../stores/state-folder/watched-file.js';
import { KeySet, type KeySource, MAX_SET_BYTES, TokenKeysError } from './key-set.js';

/** Reads a JWKS file. @throws TokenKeysError */
export function keySetFile(file: string, { clock, log }: { clock: Clock; log: Log }): KeySource {
  const logIgnored = ({ ignored }: KeySet): void => {
    if (ignored.length > 0) log.warn({ file, ignored }, 'some token keys are ignored');
  };
  const watched = new WatchedFile({
    ...{ file, clock, maxBytes: MAX_SET_BYTES },
    parse: (text) => new KeySet(text),
    errorOf: (message) => new TokenKeysError(`tokenKeys: ${message}`),
    onChange(keys, wasBroken) {
      logIgnored(keys);
      if (wasBroken) log.info({ file }, 'the token keys can be read again');
    },
    onFault: (reason) => log.error({ file, reason }, 'the token keys cannot be read: old ones stay valid'),
  });
  const { size, ignored } = watched.content;
  if (size === 0)
    throw new TokenKeysError(`tokenKeys: "${file}" ${['holds no usable key', ...ignored].join('; ')}`);
  logIgnored(watched.content);
  const keys = async (): Promise<KeySet> => watched.content;
  return { keys, newerKeys: keys, start: () => watched.watch(), stop: async () => watched.stop() };
}
