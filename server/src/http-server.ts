/** The HTTP server that everything is mounted on: every answer, also to what never becomes a request, is ours. */
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { ERRORS, type ErrorBody } from '../../protocol/codes.js';
import { LIMITS } from '../../protocol/limits.js';
import { errorAnswer, fault, knownFault, RequestFault, statusOf } from './http-errors.js';
import type { Log } from './observe/log.js';

/** How often requests that take too long are looked for. */
const TIMEOUT_CHECK_MS = 1_000;

/** Makes the server; routes are added by others. */
export function createHttpServer(log: Log): FastifyInstance {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: LIMITS.requestMs,
    keepAliveTimeout: 75_000,
    bodyLimit: LIMITS.apiBodyBytes,
    http: { connectionsCheckingInterval: TIMEOUT_CHECK_MS, headersTimeout: LIMITS.requestMs },
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket as Socket),
    frameworkErrors: (error, _request, reply) => {
      const body = knownFault(error) ?? notFound();
      reply.raw.writeHead(statusOf(body), { 'Content-Type': 'application/json' });
      reply.raw.end(JSON.stringify(errorAnswer(body)));
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body)));
    } catch {
      done(fault('bad_json'));
    }
  });
  app.setErrorHandler((error, request, reply) => {
    const known = knownFault(error);
    if (known === null)
      log.error({ error: String(error), url: request.url.split('?')[0] }, 'a request failed');
    const body = known ?? { code: 'internal', message: ERRORS.internal.message };
    const close = error instanceof RequestFault ? error.close : undefined;
    return reply.code(statusOf(body)).send(errorAnswer(body, close));
  });
  app.setNotFoundHandler((request, reply) => {
    const isKnown = (['GET', 'POST'] as const).some((method) =>
      app.hasRoute({ method, url: urlOf(request.url) }),
    );
    const body: ErrorBody = isKnown
      ? { code: 'method_not_allowed', message: ERRORS.method_not_allowed.message }
      : notFound();
    return reply.code(statusOf(body)).send(errorAnswer(body));
  });
  return app;
}

const urlOf = (url: string): string => url.split('?')[0] ?? url;

const notFound = (): ErrorBody => ({ code: 'not_found', message: ERRORS.not_found.message });

/** A request that broke off or took too long is told so where the socket still takes it. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const code = isLate ? 'request_timeout' : 'bad_field';
  const message = isLate ? ERRORS.request_timeout.message : 'This is not an HTTP request.';
  const body = JSON.stringify(errorAnswer({ code, message }));
  socket.end(
    `HTTP/1.1 ${ERRORS[code].status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
