import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SseParser } from '../../src/transports/sse-parser.js';

const MAX = 1 << 20;

/** The standard, read slowly: the whole text at once, line by line. */
function model(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).replaceAll('\r\n', '\n').replaceAll('\r', '\n').split('\n');
  lines.pop();
  const events: string[] = [];
  let data: string[] = [];
  for (const line of lines) {
    if (line === '') {
      if (data.length > 0) events.push(data.join('\n'));
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1);
    if (field === 'data') data.push(value.startsWith(' ') ? value.slice(1) : value);
  }
  return events;
}

function parse(bytes: Uint8Array, cuts: readonly number[]): string[] {
  const parser = new SseParser(MAX);
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).flatMap((end, index) => parser.push(bytes.slice(edges[index], end)));
}

const piece = fc.constantFrom(
  'data: ',
  'data:',
  'data',
  'id: 1',
  ':',
  'é',
  '🐱',
  '\r',
  '\n',
  '\r\n',
  '\n\n',
  'x',
  ' ',
  '\ufeff',
);
const cuts = fc.array(fc.nat(), { maxLength: 12 });

it('reads the same events in whatever chunks they come', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), cuts, (pieces, at) => {
      const text = pieces.join('');
      // The decoder of Node 24 drops a second byte order mark, too, when a chunk ends within the first.
      fc.pre(!text.startsWith('\ufeff\ufeff'));
      const bytes = new TextEncoder().encode(text);
      // A last CR may be half of a CRLF; the model takes it as a line end, as the parser does.
      expect(parse(bytes, at)).toEqual(model(bytes));
    }),
    { numRuns: 1_000 },
  );
});

it('never throws on any bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), cuts, (bytes, at) => void parse(bytes, at)));
});

it('gives up an event that is larger than its bound, in one line or in many', () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  expect(() => new SseParser(100).push(encode(`data: ${'x'.repeat(200)}`))).toThrow(/large/);
  expect(() => new SseParser(100).push(encode('data: xxxxxxxx\n'.repeat(20)))).toThrow(/large/);
  expect(new SseParser(100).push(encode('data: xxxxxxxx\n\n'.repeat(20))).length).toBe(20);
});
