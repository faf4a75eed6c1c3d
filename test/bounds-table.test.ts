/** The table of bounds in SECURITY.md: every row names a value that stands in the code, an answer that there is, and a test. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, ERRORS } from '../protocol/codes.js';

const ROOT = join(import.meta.dirname, '..');
const page = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
const ROW = /^\| `([\w.]+)` in `([\w./-]+)` \| (.+?) \| ([\d,]+) \| (-|`\w+`) \| `([\w./-]+)` \|$/;

const lines = page.split('\n');
const start = lines.indexOf('| bound | of what | value | answer | test |');
const rows = lines
  .slice(
    start + 2,
    lines.findIndex((line, index) => index > start && line === ''),
  )
  .map((line) => ROW.exec(line)?.slice(1) ?? [line]);

describe('the table of bounds in SECURITY.md', () => {
  it('has rows', () => {
    expect(start).toBeGreaterThan(0);
    expect(rows.length).toBeGreaterThan(40);
  });

  it.each(rows)(
    '%s in %s: %s',
    async (name = '', file = '', _what = '', value = '', answer = '', test = '') => {
      const module = (await import(join(ROOT, file))) as Record<string, unknown>;
      const found = name
        .split('.')
        .reduce<unknown>((of, part) => (of as Record<string, unknown>)?.[part], module);
      expect(found).toBe(Number(value.replaceAll(',', '')));
      expect(existsSync(join(ROOT, test)), test).toBe(true);
      const code = answer.replaceAll('`', '');
      if (code !== '-') expect({ ...ERRORS, ...CLOSE_CODES }).toHaveProperty(code);
    },
  );
});
