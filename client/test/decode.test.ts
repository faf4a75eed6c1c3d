import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLOSE_CODES, afterClose as protocolAfterClose } from '../../protocol/codes.js';
import { afterClose, FINAL, TICKET_REFUSED } from '../src/close-codes.js';
import { decodeFrame, parseJson } from '../src/decode.js';

it('decodes no bytes into a throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void decodeFrame(parseJson(text))));
  fc.assert(fc.property(fc.jsonValue(), (value) => void decodeFrame(value)));
});

it('decodes no frame of a known type with wild fields into a throw', () => {
  const type = fc.constantFrom('opened', 'subscribed', 'refused', 'gap', 'ping', 'closing', 'constructor');
  const fields = fc.record(
    { type, path: fc.jsonValue(), paths: fc.jsonValue(), from: fc.jsonValue(), code: fc.jsonValue() },
    { requiredKeys: ['type'] },
  );
  fc.assert(fc.property(fields, (frame) => void decodeFrame(frame)));
});

it('decodes every golden frame of the server', () => {
  const golden: unknown = JSON.parse(
    readFileSync(new URL('../../protocol/fixtures/down.json', import.meta.url), 'utf8'),
  );
  const entries = Object.values(golden as Record<string, unknown>).flatMap((value) =>
    Array.isArray(value) ? value : [value],
  ) as Record<string, unknown>[];
  const frames = entries.map((entry) => entry['frame']).filter((frame) => frame !== undefined);
  expect(frames.length).toBeGreaterThan(5);
  for (const frame of frames) expect(decodeFrame(frame), JSON.stringify(frame)).toBe(frame);
});

it('knows the close codes as the protocol does', () => {
  for (let code = 0; code < 5_000; code++) expect(afterClose(code)).toBe(protocolAfterClose(code));
  expect(FINAL.map((name) => CLOSE_CODES[name])).toEqual(FINAL.map((_, index) => 4200 + index));
  expect(TICKET_REFUSED).toBe(CLOSE_CODES.ticket_refused);
});
