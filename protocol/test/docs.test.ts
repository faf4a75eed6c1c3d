/** What docs/protocol.md says in its tables is what the code does. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, ERRORS } from '../codes.js';
import { LIMITS, PROTOCOL_VERSION } from '../limits.js';
import { fixture } from './fixtures.js';

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

/** The rows of the table with this header, each cell without its backquotes. */
function table(header: string): string[][] {
  const lines = page.split('\n');
  const start = lines.indexOf(header);
  expect(start, `a table "${header}" in docs/protocol.md`).toBeGreaterThan(-1);
  const rest = lines.slice(start + 2);
  return rest
    .slice(
      0,
      rest.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')));
}

describe('docs/protocol.md', () => {
  it('lists every error', () => {
    expect(table('| code | status | retryable | means |').map((row) => row.slice(0, 3))).toEqual(
      Object.entries(ERRORS).map(([code, error]) => [
        code,
        String(error.status),
        error.retryable ? 'yes' : 'no',
      ]),
    );
  });

  it('lists every close code', () => {
    expect(table('| code | name | why |').map(([code, name]) => [name, Number(code)])).toEqual(
      Object.entries(CLOSE_CODES),
    );
  });

  it('lists every limit with an amount', () => {
    const rows = table('| limit | of | value | code |');
    expect(rows.map(([name]) => name)).toEqual(Object.keys(LIMITS));
    for (const [name, , amount] of rows) expect(amount, name).toMatch(/^[\d,]+( (bytes|KB|MB|s|ms))?$/);
    expect(rows.find(([name]) => name === 'messageBytes')?.slice(2)).toEqual(['64 KB', 'too_large']);
    expect(rows.find(([name]) => name === 'requestMs')?.slice(2)).toEqual(['10 s', 'request_timeout']);
  });

  it('names the codes only as they are', () => {
    const known = new Set([...Object.keys(ERRORS), ...Object.keys(CLOSE_CODES)]);
    for (const [, code] of page.matchAll(/"(?:code|refused)": "([a-z_]+)"/g))
      expect(known, code).toContain(code);
  });

  it('says the version', () => {
    expect(page).toContain(`Version: **${PROTOCOL_VERSION}**`);
  });

  it('describes every method that the golden calls use', () => {
    const methods = new Set(table('| method | body | answer |').map(([method]) => method));
    for (const { method } of fixture('api')) expect(methods).toContain(method);
  });

  it('shows only frames that are JSON', () => {
    const blocks = [...page.matchAll(/```json\n([\s\S]*?)```/g)].flatMap(
      ([, block]) => block?.trim().split('\n') ?? [],
    );
    expect(blocks).not.toHaveLength(0);
    for (const line of blocks) expect(() => JSON.parse(line), line).not.toThrow();
  });
});
