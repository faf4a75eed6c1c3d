/** Logs requests that were refused: keys at `warn`, everything else of a client at `debug`. No line holds a key or a body. */
import type { FastifyRequest } from 'fastify';
import type { ErrorCode } from '../../../protocol/codes.js';
import type { Log } from '../observe/log.js';
import type { RequestFault } from './http-errors.js';

/** Refusals of API keys, and what they are called in the log. */
const OF_KEYS: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'an API key was refused',
  forbidden: 'an API key may not do what it was used for',
};

/** Logs a refusal. `log` must bear any number of lines. */
export function logRefusal(
  log: Log,
  { body }: RequestFault,
  { request, address }: { readonly request: FastifyRequest; readonly address: string },
): void {
  const { code, message, field } = body;
  // It has a line of its own, also where the parser refuses it.
  if (code === 'headers_too_large') return;
  const url = request.url.split('?')[0];
  const about = { address, method: request.method, url, code };
  const ofKey = OF_KEYS[code];
  if (ofKey === undefined)
    return log.debug({ ...about, ...(field === undefined ? {} : { field }) }, 'a request was refused');
  const hasKey = request.headers.authorization !== undefined;
  log.warn(code === 'unauthorized' ? { ...about, hasKey } : { ...about, reason: message }, ofKey);
}
