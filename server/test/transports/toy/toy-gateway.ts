/**
 * A foreign protocol of plain lines, as a gateway serves one: over WebSocket at `/toy`, and as a stream of lines at
 * `/toy/stream?hear=<path>[@<position>]`. It uses nothing that a folder in `gateways/` could not use.
 *
 *     client: HELLO [ticket] | HEAR path [position] | LEAVE path | PING | HERE | BYE
 *     server: HELLO id ticket | HEARD path position | MESSAGE path position json | LOST path reason
 *             NO path code | LEFT path | TICKET ticket | PONG | THERE? | ERROR code | BYE code
 */
import { errorBody } from '../../../../protocol/codes.js';
import type { OpenFrame, SendFrame } from '../../../../protocol/frames.js';
import { PROTOCOL_VERSION } from '../../../../protocol/limits.js';
import type { Position } from '../../../../protocol/positions.js';
import type { Content } from '../../../src/core/wire/content.js';
import { textFraming } from '../../../src/core/wire/encoding.js';
import type { Decoded } from '../../../src/transports/decode.js';
import type { Dialect } from '../../../src/transports/dialect.js';
import type { GatewayOptions } from '../../../src/transports/gateway.js';
import type { StreamFormat } from '../../../src/transports/sse.js';

const written = (position: Position | null): string =>
  position === null ? '-' : `${position.epoch}:${position.offset}`;

function positionIn(text: string | undefined): { position?: Position } {
  const [epoch, offset] = (text ?? '').split(':');
  return epoch && offset ? { position: { epoch, offset: Number(offset) } } : {};
}

function write(content: Content): string | null {
  switch (content.type) {
    case 'opened':
      return `HELLO ${content.id} ${content.ticket}`;
    case 'ticket':
      return `TICKET ${content.ticket}`;
    case 'update':
      return `MESSAGE ${content.path} ${written(content.position)} ${content.text}`;
    case 'subscribed':
      return content.paths.map(({ path, position }) => `HEARD ${path} ${written(position)}`).join('\n');
    case 'gap':
      return `LOST ${content.path} ${content.reason}`;
    case 'refused':
      return content.paths.map(({ path, code }) => `NO ${path} ${code}`).join('\n');
    case 'unsubscribed':
      return content.paths.map((path) => `LEFT ${path}`).join('\n');
    case 'probed':
      return 'PONG';
    case 'ping':
      return 'THERE?';
    case 'error':
      return `ERROR ${content.code}`;
    case 'closing':
      return `BYE ${content.code}`;
    default:
      return null;
  }
}

const openWith = (more: Partial<OpenFrame>): OpenFrame => ({
  ...{ type: 'open', protocol: PROTOCOL_VERSION },
  ...more,
});

function open(text: string): Decoded<OpenFrame> {
  const [verb, ticket] = text.split(' ');
  if (verb !== 'HELLO') return { error: errorBody('not_open') };
  return { value: openWith(ticket === undefined ? {} : { ticket }) };
}

function read(text: string, received: number): Decoded<SendFrame> {
  const [verb, path = '', position] = text.split(' ');
  const n = received + 1;
  switch (verb) {
    case 'HEAR':
      return { value: { type: 'subscribe', n, paths: [{ path, ...positionIn(position) }] } };
    case 'LEAVE':
      return { value: { type: 'unsubscribe', n, paths: [path] } };
    case 'PING':
      return { value: { type: 'probe', step: 1 } };
    case 'HERE':
      return { value: { type: 'pong' } };
    case 'BYE':
      return { value: { type: 'close' } };
    default:
      return { error: errorBody('bad_frame') };
  }
}

const TOY: Dialect = { write, open, read };

const LINES: StreamFormat = {
  encoding: { writer: TOY, framing: textFraming((text) => `${text}\n`) },
  contentType: 'text/plain; charset=utf-8',
  padding: Buffer.alloc(0),
  comment: Buffer.from('\n'),
  retry: () => Buffer.alloc(0),
};

/** Adds the routes of the toy. */
export function toyGateway({ app, endpoint }: GatewayOptions): void {
  endpoint.addWebSockets('/toy', TOY);
  endpoint.addStream(app, {
    url: '/toy/stream',
    format: LINES,
    paths({ query }) {
      const [path = '', position] = String((query as { readonly hear?: unknown }).hear).split('@');
      return [{ path, ...positionIn(position) }];
    },
    refusal: ({ code }) => `NO ${code}\n`,
  });
}
