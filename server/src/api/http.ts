/** The back end's API over HTTP: keys, schemas, idempotency, then the method. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LIMITS } from '../../../protocol/limits.js';
import type { ApiKeys } from '../auth/api-keys.js';
import type { Clock } from '../core/clock.js';
import { fault, RequestFault } from '../http-errors.js';
import { check } from '../schema.js';
import { Idempotency } from './idempotency.js';
import type { AnyMethod, ApiContext } from './method.js';
import { METHODS } from './methods/index.js';
import { openApi } from './openapi.js';

/** What the API stands on. */
export interface ApiParts extends ApiContext {
  readonly keys: ApiKeys;
  readonly clock: Clock;
  /** Whether the server is shutting down: everything is refused, to be tried again. */
  readonly isStopping: () => boolean;
}

/** Adds the API's routes. */
export function registerApi(app: FastifyInstance, parts: ApiParts): void {
  const idempotency = new Idempotency(parts.clock);
  const document = openApi(METHODS, parts.about().version);
  const onRequest = async (request: FastifyRequest) => admit(parts, request);
  for (const method of METHODS) {
    app.post(`/api/${method.name}`, { onRequest, bodyLimit: LIMITS.apiBodyBytes }, (request) =>
      run(method, request.body, { parts, idempotency }),
    );
  }
  app.get('/api/openapi.json', async () => document);
  app.get('/health', async (_request, reply) => {
    if (!parts.isStopping()) return { status: 'ok' };
    return reply.code(503).send({ status: 'restarting' });
  });
}

function admit(parts: ApiParts, request: FastifyRequest): void {
  if (!parts.keys.admits(request.headers.authorization)) throw fault('unauthorized');
  if (parts.isStopping()) throw fault('restarting');
}

function run(
  method: AnyMethod,
  body: unknown,
  { parts, idempotency }: { parts: ApiParts; idempotency: Idempotency },
): unknown {
  const checked = check(method.body, body ?? {});
  if ('error' in checked) throw new RequestFault(checked.error);
  const { idempotencyKey: key } = checked.value as { idempotencyKey?: string };
  if (key === undefined) return method.run(checked.value, parts);
  return idempotency.once(`${method.name} ${key}`, body, () => method.run(checked.value, parts) as object);
}
