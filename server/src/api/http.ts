/** The back end's API over HTTP: keys, schemas, idempotency, then the method. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LIMITS } from '../../../protocol/limits.js';
import type { ApiKeys } from '../auth/api-keys.js';
import { fault, RequestFault } from '../http-errors.js';
import { check } from '../schema.js';
import type { Idempotency } from './idempotency.js';
import type { AnyMethod, ApiContext } from './method.js';
import { METHODS } from './methods/index.js';
import { openApi } from './openapi.js';

/** What the API stands on. */
export interface ApiParts extends ApiContext {
  readonly keys: ApiKeys;
  readonly idempotency: Idempotency;
  /** Whether the server is shutting down: everything is refused, to be tried again. */
  readonly isStopping: () => boolean;
}

/** The API, mounted. */
export interface MountedApi {
  /** Resolves when the requests that are being worked on have their answers. */
  settled(): Promise<void>;
}

/** Adds the API's routes. */
export function registerApi(app: FastifyInstance, parts: ApiParts): MountedApi {
  const running = new Set<Promise<unknown>>();
  const document = openApi(METHODS, parts.about().version);
  const onRequest = async (request: FastifyRequest) => admit(parts, request);
  for (const method of METHODS) {
    app.post(`/api/${method.name}`, { onRequest, bodyLimit: LIMITS.apiBodyBytes }, (request) => {
      const answer = run(method, request.body, parts);
      running.add(answer);
      return answer.finally(() => running.delete(answer));
    });
  }
  app.get('/api/openapi.json', async () => document);
  app.get('/health', async (_request, reply) => {
    if (!parts.isStopping()) return { status: 'ok' };
    return reply.code(503).send({ status: 'restarting' });
  });
  return {
    async settled() {
      await Promise.allSettled(running);
    },
  };
}

function admit(parts: ApiParts, request: FastifyRequest): void {
  if (!parts.keys.admits(request.headers.authorization)) throw fault('unauthorized');
  if (parts.isStopping()) throw fault('restarting');
}

async function run(method: AnyMethod, body: unknown, parts: ApiParts): Promise<unknown> {
  // Once more: the body may have arrived after the server began to stop.
  if (parts.isStopping()) throw fault('restarting');
  const checked = check(method.body, body ?? {});
  if ('error' in checked) throw new RequestFault(checked.error);
  const { idempotencyKey: key } = checked.value as { idempotencyKey?: string };
  if (key === undefined) return method.run(checked.value, parts);
  return parts.idempotency.once(
    `${method.name} ${key}`,
    body,
    () => method.run(checked.value, parts) as object,
  );
}
