import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../../protocol/codes.js';
import { LIMITS } from '../../../protocol/limits.js';
import { fixture } from '../../../protocol/test/fixtures.js';
import { checkCommand } from '../../src/commands/command-frame.js';
import * as decode from '../../src/transports/decode.js';
import { type Decoded, decodeBody, decodeJson } from '../../src/transports/decode.js';
import { opening } from '../../src/transports/opening.js';
import type { TransportOptions } from '../../src/transports/transport-options.js';
import { TestLog } from '../auth/tokens/token-world.js';
import { FakeCarrier } from '../support/fake-carrier.js';
import { createWorld } from '../support/world.js';

const { features } = createWorld().sessions;
features.add({ name: 'commands', frames: { command: { check: checkCommand, take: () => undefined } } });
const decodeOpen = (value: unknown) => decode.decodeOpen(value, features);
const decodeSendFrame = (value: unknown) => decode.decodeSendFrame(value, features);

/** What a server answers to a frame: the first one when it is an `open` or none at all, else a later one. */
function judge(json: string): Decoded<unknown> {
  const read = decodeJson(json);
  if ('error' in read) return read;
  const isOpen = typeof read.value === 'object' && (read.value as { type?: unknown } | null)?.type === 'open';
  if (!isOpen) return decodeSendFrame(read.value);
  const decoded = decodeOpen(read.value);
  if ('error' in decoded || decoded.value.type === 'probe') return decoded;
  const parts = {
    ...createWorld(),
    sockets: { hasRoom: true },
    isStopping: () => false,
    log: new TestLog(),
  } as unknown as TransportOptions;
  const opened = opening(parts, { value: decoded.value }, new FakeCarrier());
  // Its ticket is made up.
  return 'error' in opened && opened.error.code !== 'bad_ticket' ? { error: opened.error } : decoded;
}

const told = (decoded: Decoded<unknown>) =>
  'error' in decoded
    ? { code: decoded.error.code, field: decoded.error.field }
    : { code: undefined, field: undefined };

describe('golden frames of a client', () => {
  it.each(fixture('up'))('$name', ({ json, code, field }) => {
    expect(told(judge(json))).toEqual({ code, field });
  });
});

describe('golden bodies', () => {
  it.each(fixture('bodies'))('$name', ({ json, code, field }) => {
    const body = decodeBody(JSON.parse(json));
    const [, index, rest] = /^frames\.(\d+)\.(.+)$/.exec(field ?? '') ?? [];
    if (index === undefined) return expect(told(body)).toEqual({ code, field });
    // A fault within a frame is that frame's own.
    const frames = 'value' in body && body.value.type === 'send' ? body.value.frames : [];
    expect(told(decodeSendFrame(frames[Number(index)]))).toEqual({ code, field: rest });
  });
});

describe('a frame out of place', () => {
  it.each(['subscribe', 'pong', 'close'])('is told so when it comes first: %s', (type) => {
    const frame = type === 'subscribe' ? { type, n: 1, paths: [{ path: 'a' }] } : { type };
    expect(told(decodeOpen(frame))).toMatchObject({ code: 'not_open' });
  });

  it.each([
    { type: 'poll', ticket: 'x', connection: 1, cursor: 'x' },
    { type: 'send', ticket: 'x', connection: 1, frames: [] },
  ])('is no `open`, if it is the body of another request: $type', (body) => {
    expect(told(decodeOpen(body))).toMatchObject({ code: 'not_open' });
  });

  it('is told so when it opens again, whatever else is in it', () => {
    expect(told(decodeSendFrame({ type: 'open' }))).toMatchObject({ code: 'already_open' });
  });

  it('names its number where it has one that can be read', () => {
    expect(decodeSendFrame({ type: 'subscribe', n: 7 })).toMatchObject({ n: 7 });
    expect(decodeSendFrame({ type: 'no', n: 7 })).toMatchObject({ n: 7 });
    for (const n of [0, -1, 1.5, '7', null])
      expect(decodeSendFrame({ type: 'no', n })).not.toHaveProperty('n');
  });
});

describe('a POST with too many frames', () => {
  it('is refused whole', () => {
    const frames = (count: number) => Array.from({ length: count }, () => ({ type: 'pong' }));
    const body = { type: 'send', ticket: 'x', connection: 1 };
    expect(decodeBody({ ...body, frames: frames(LIMITS.framesPerPost) })).toHaveProperty('value');
    expect(told(decodeBody({ ...body, frames: frames(LIMITS.framesPerPost + 1) }))).toEqual({
      code: 'too_many_items',
      field: 'frames',
    });
  });
});

describe('whatever a client sends', () => {
  const decoders = { decodeBody, decodeOpen, decodeSendFrame };
  const names = [
    'type',
    'n',
    'paths',
    'path',
    'position',
    'epoch',
    'offset',
    'ticket',
    'connection',
    'frames',
    'cursor',
  ];
  const types = [
    'open',
    'poll',
    'send',
    'subscribe',
    'unsubscribe',
    'pong',
    'close',
    '__proto__',
    'constructor',
    '',
  ];
  const key = fc.oneof(fc.constantFrom(...names, '__proto__', 'constructor', 'toString'), fc.string());
  const leaf = fc.oneof(fc.constantFrom<unknown>(...types, null, 0, 1, -1, 2 ** 53, 1e308), fc.jsonValue());
  const { frame } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc
      .array(fc.tuple(key, tie('value')), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries)),
    frame: fc
      .tuple(fc.constantFrom(...types), tie('object'))
      .map(([type, fields]) => ({ ...(fields as object), type })),
  }));

  const mustHold = (decoded: Decoded<unknown>) => {
    if (!('error' in decoded)) return;
    expect(ERRORS).toHaveProperty(decoded.error.code);
    expect(decoded.error.message.length).toBeGreaterThan(0);
    expect((decoded.error.field ?? '').length).toBeLessThanOrEqual(255);
  };

  it.each(Object.entries(decoders))(
    '%s never throws, and refuses with a code of the table',
    (_name, decode) => {
      fc.assert(
        fc.property(fc.oneof(frame, fc.jsonValue(), fc.anything()), (value) => mustHold(decode(value))),
        { numRuns: 2_000 },
      );
    },
  );

  it('decodeJson never throws, for any text and any bytes', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString()),
    );
    fc.assert(
      fc.property(texts, (text) => mustHold(decodeJson(text))),
      { numRuns: 2_000 },
    );
  });

  it('may be nested as deep as a frame can be', () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    const read = decodeJson(`{"type":"subscribe","n":1,"paths":${deep}}`);
    expect('value' in read && told(decodeSendFrame(read.value))).toMatchObject({ code: 'bad_field' });
    expect('value' in read && told(decodeBody({ type: 'send', frames: read.value }))).toMatchObject({
      code: 'bad_field',
    });
  });
});
