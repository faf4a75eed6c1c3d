/** The HTTP server that everything is mounted on: every answer, also to what never becomes a request, is ours. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { ErrorCode } from '../../../protocol/codes.js';
import { LIMITS } from '../../../protocol/limits.js';
import { systemClock } from '../core/time/clock.js';
import { type Log, sparingLog } from '../observe/log.js';
import { BrokenRequests, type ClientRules, PARSER_HEADER_BYTES } from './broken-requests.js';
import { fault, knownFault, type RequestFault } from './http-errors.js';
import { BodyTurns, limitRequests } from './request-budget.js';
import { otherCharset, utf8Of } from './utf8.js';

/** How often requests that take too long are looked for. */
const TIMEOUT_CHECK_MS = 1_000;
/** Longer than proxies keep idle connections, so that they close first. */
const KEEP_ALIVE_MS = 75_000;

/** Clients without proxies, and pages that may read nothing. */
const DIRECT: ClientRules = { corsOf: () => ({}), addressOf: (_headers, peer) => peer };

/** Makes the server; routes are added by others. `rules` are for requests that no route sees. */
export function createHttpServer(log: Log, rules: ClientRules = DIRECT): FastifyInstance {
  const sparing = sparingLog(log, systemClock);
  const broken = new BrokenRequests(sparing, rules);
  const app = fastify({
    logger: false,
    exposeHeadRoutes: true,
    forceCloseConnections: true,
    requestTimeout: LIMITS.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    bodyLimit: LIMITS.apiBodyBytes,
    http: {
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      headersTimeout: LIMITS.requestMs,
      maxHeaderSize: PARSER_HEADER_BYTES,
      // It is refused here, with a code.
      requireHostHeader: false,
    },
    clientErrorHandler: (error, socket) => broken.answer(error, socket as Socket),
    frameworkErrors: (error, _request, reply) => {
      const { status, answer } = knownFault(error) ?? fault('not_found');
      reply.raw.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
    },
  });
  broken.watch(app);
  limitRequests(app.server, systemClock);
  readJson(app);
  app.setErrorHandler((error, request, reply) => {
    const known = knownFault(error);
    if (known !== null) {
      const address = rules.addressOf(request.headers, request.socket.remoteAddress ?? '');
      logRefusal(sparing, known, { request, address });
    }
    const { status, answer, headers } = known ?? unexpected(error, request, log);
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
  const methods = allowed.filter((method) => !['OPTIONS', 'HEAD'].includes(method)).join(' or ');
  return fault('method_not_allowed', {
    message: `This address does not take this HTTP method: use ${methods}.`,
  });
}

/** Bodies are JSON in UTF-8 and nothing else. The library's own parser has errors of its own, and replaces what is no UTF-8. */
function readJson(app: FastifyInstance): void {
  const turns = new BodyTurns(systemClock);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, ({ headers }, body, done) => {
    const wrong = encodingFault(headers);
    if (wrong !== null) return done(wrong);
    turns.run(body.length, () => {
      const text = utf8Of(body as Buffer);
      if (text === null) return done(fault('bad_json', { message: 'This body is not UTF-8, and JSON is.' }));
      try {
        done(null, JSON.parse(text));
      } catch {
        done(fault('bad_json'));
      }
    });
  });
}

function encodingFault(headers: IncomingHttpHeaders): RequestFault | null {
  const charset = otherCharset(headers['content-type']);
  if (charset !== null) {
    return fault('unsupported_media_type', {
      message: `The charset of a body must be UTF-8, not "${charset}".`,
    });
  }
  const encoding = headers['content-encoding'];
  if (encoding === undefined || /^\s*(identity)?\s*$/i.test(encoding)) return null;
  return fault('unsupported_media_type', { message: 'A body must come without Content-Encoding.' });
}

function unexpected(error: unknown, request: FastifyRequest, log: Log): RequestFault {
  log.error({ error: String(error), url: urlOf(request) }, 'a request failed');
  return fault('internal');
}

/** Refusals of API keys, and what they are called in the log. */
const OF_KEYS: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'an API key was refused',
  forbidden: 'an API key may not do what it was used for',
};

/** Logs a refused request: keys at `warn`, everything else of a client at `debug`. No line holds a key or a body. */
function logRefusal(
  log: Log,
  { body }: RequestFault,
  { request, address }: { readonly request: FastifyRequest; readonly address: string },
): void {
  const { code, message, field } = body;
  // It has a line of its own, also where the parser refuses it.
  if (code === 'headers_too_large') return;
  const about = { address, method: request.method, url: urlOf(request), code };
  const ofKey = OF_KEYS[code];
  if (ofKey === undefined)
    return log.debug({ ...about, ...(field === undefined ? {} : { field }) }, 'a request was refused');
  const hasKey = request.headers.authorization !== undefined;
  log.warn(code === 'unauthorized' ? { ...about, hasKey } : { ...about, reason: message }, ofKey);
}

const urlOf = ({ url }: FastifyRequest): string => url.split('?')[0] ?? url;
