/** The back end's API over HTTP: API keys and what they may do, schemas, then the method. */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LIMITS } from '../../../protocol/limits.js';
import type { ApiKey, ApiKeys } from '../auth/api-keys/api-keys.js';
import { dobbyError } from '../core/operations/dobby-error.js';
import { fault, RequestFault } from '../http/http-errors.js';
import { check } from '../schema.js';
import type { AnyMethod, ApiContext, Caller } from './method.js';
import { METHODS } from './methods/index.js';
import { openApi } from './openapi.js';
import { type FilteredRequest, filterRequest, mayName, mustUse } from './scope.js';

/** Options of `registerApi`. */
export interface ApiOptions extends ApiContext {
  readonly keys: ApiKeys;
  /** Whether the server is shutting down: everything is refused, to be tried again. */
  readonly isStopping: () => boolean;
  /** Called with the socket of each request that has shown a key. */
  readonly onKey?: (socket: Socket) => void;
}

/** Adds the API's routes. */
export function registerApi(app: FastifyInstance, options: ApiOptions) {
  const running = new Set<Promise<unknown>>();
  const document = openApi(METHODS, options.about().version);
  for (const method of METHODS) {
    const onRequest = async (request: FastifyRequest): Promise<void> => {
      admit(options, method, request);
      options.onKey?.(request.raw.socket);
    };
    app.post(`/api/${method.name}`, { onRequest, bodyLimit: LIMITS.apiBodyBytes }, (request) => {
      const answer = run(method, request, options);
      running.add(answer);
      return answer.finally(() => running.delete(answer));
    });
  }
  app.get('/api/openapi.json', async () => document);
  app.get('/health', async (_request, reply) => {
    if (!options.isStopping()) return { status: 'ok' };
    return reply.code(503).send({ status: 'restarting' });
  });
  return {
    /** Resolves when the requests that are being worked on have their answers. */
    settled: () => Promise.allSettled(running),
  };
}

const KEY = Symbol('key');
type KeyedRequest = FastifyRequest & { [KEY]?: ApiKey };

/**
 * Checks the key before the body is read and again when it has arrived. Meanwhile the key may have been removed, or the
 * server may stop.
 */
function admit(options: ApiOptions, method: AnyMethod, request: KeyedRequest): ApiKey {
  const { keys } = options;
  const shown = request[KEY];
  const key = shown !== undefined && keys.isKnown(shown) ? shown : keys.find(request.headers.authorization);
  if (key === null) throw fault('unauthorized');
  request[KEY] = key;
  if (options.isStopping()) throw fault('restarting');
  mustUse(key, method);
  return key;
}

async function run(method: AnyMethod, request: FastifyRequest, options: ApiOptions): Promise<unknown> {
  const key = admit(options, method, request);
  const checked = check(method.body, request.body ?? {});
  if ('error' in checked) throw new RequestFault(checked.error);
  const filtered = filterRequest(key, method, checked.value);
  if (filtered.body === null) return filtered.completeReply({});
  const reply = await method.run(filtered.body, options, callerOf(key, method, filtered));
  return filtered.completeReply(reply as object);
}

/** Returns the caller of a method. Idempotency keys belong to one API key. */
function callerOf(key: ApiKey, { name: method }: AnyMethod, { indexOf }: FilteredRequest): Caller {
  return {
    mayName: (path) => mayName(key, path),
    once(idempotencyKey, request, place) {
      if (idempotencyKey === undefined) return undefined;
      const item = place === undefined ? '' : `#${indexOf(place)}`;
      return { owner: key.name ?? '', key: `${method} ${idempotencyKey}${item}`, digest: digestOf(request) };
    },
  };
}

/** @throws DobbyError for what cannot be written again as JSON, being nested too deep */
function digestOf(request: unknown): string {
  try {
    return createHash('sha256').update(JSON.stringify(request)).digest('base64');
  } catch {
    throw dobbyError('bad_field', { message: 'The request is nested too deep.' });
  }
}
