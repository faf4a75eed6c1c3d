/** The HTTP server that everything is mounted on: every answer, also to what never becomes a request, is ours. */
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { LIMITS } from '../../protocol/limits.js';
import { systemClock } from './core/clock.js';
import { fault, knownFault, type RequestFault, refuseSocket } from './http-errors.js';
import type { Log } from './observe/log.js';
import { BodyTurns, limitRequests } from './request-budget.js';

/** How often requests that take too long are looked for. */
const TIMEOUT_CHECK_MS = 1_000;
/** Longer than proxies keep idle connections, so that they close first. */
const KEEP_ALIVE_MS = 75_000;

/** Makes the server; routes are added by others. */
export function createHttpServer(log: Log): FastifyInstance {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: LIMITS.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    bodyLimit: LIMITS.apiBodyBytes,
    http: { connectionsCheckingInterval: TIMEOUT_CHECK_MS, headersTimeout: LIMITS.requestMs },
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket as Socket),
    frameworkErrors: (error, _request, reply) => {
      const { status, answer } = knownFault(error) ?? fault('not_found');
      reply.raw.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
    },
  });
  limitRequests(app.server, systemClock);
  readJson(app);
  app.setErrorHandler((error, request, reply) => {
    const { status, answer, headers } = knownFault(error) ?? unexpected(error, request, log);
    return reply.code(status).headers(headers).send(answer);
  });
  const known = new Map<string, string[]>();
  app.addHook('onRoute', ({ url, method }) => {
    known.set(url, [...new Set([...(known.get(url) ?? []), ...[method].flat()])]);
  });
  app.setNotFoundHandler((request, reply) => {
    const allowed = known.get(urlOf(request));
    const { status, answer } = allowed === undefined ? notFound(urlOf(request)) : notAllowed(allowed);
    return reply
      .code(status)
      .headers(allowed === undefined ? {} : { Allow: allowed.join(', ') })
      .send(answer);
  });
  return app;
}

function notFound(url: string): RequestFault {
  const [, method] = /^\/api\/([^/]{1,64})$/.exec(url) ?? [];
  if (method === undefined) return fault('not_found');
  return fault('not_found', {
    message: `There is no method "${method}"; GET /api/openapi.json lists them.`,
  });
}

function notAllowed(allowed: readonly string[]): RequestFault {
  const methods = allowed.filter((method) => method !== 'OPTIONS').join(' or ');
  return fault('method_not_allowed', {
    message: `This address does not take this HTTP method: use ${methods}.`,
  });
}

/** Bodies are JSON and nothing else. The library's own parser has errors of its own. */
function readJson(app: FastifyInstance): void {
  const turns = new BodyTurns(systemClock);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const text = String(body);
    turns.run(text.length, () => {
      try {
        done(null, JSON.parse(text));
      } catch {
        done(fault('bad_json'));
      }
    });
  });
}

function unexpected(error: unknown, request: FastifyRequest, log: Log): RequestFault {
  log.error({ error: String(error), url: urlOf(request) }, 'a request failed');
  return fault('internal');
}

const urlOf = ({ url }: FastifyRequest): string => url.split('?')[0] ?? url;

/** A request that broke off or took too long is told so where the socket still takes it. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const told = isLate
    ? fault('request_timeout')
    : fault('bad_field', { message: 'This is not an HTTP request.' });
  refuseSocket(socket, told);
}
