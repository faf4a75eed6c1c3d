/** The tour prints what its README says. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blocksOf, Example } from './example.js';

let example: Example;

beforeAll(async () => {
  example = await Example.start('curl', { hasBackEnd: false });
});
afterAll(() => example?.stop());

it('the tour with curl prints what the README says', async () => {
  await example.prints('"close":4007');
  const [, told = ''] = blocksOf('curl');
  expect(told).toContain('revoked_token');
  const printed = example.output.split('\n').filter((line) => /^(#|\{(?!"level"))/.test(line));
  const wanted = told.trimEnd().split('\n').map(pattern);
  const placeOf = (line: string): number => wanted.findIndex((each) => each.test(line));
  expect(printed.length, example.output).toBe(wanted.length);
  // A store that answers later tells paths later.
  if (process.env['RANDOM_BROKER'] !== undefined) printed.sort((a, b) => placeOf(a) - placeOf(b));
  for (const [i, line] of printed.entries()) expect(line).toMatch(wanted[i] as RegExp);
});

/** A line in which "…" stands for a value. */
function pattern(line: string): RegExp {
  const parts = line.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('[\\w.-]+')}$`);
}
