/**
 * The last wish is what is heard: random sequences of joins, leaves, faults and page events, over all transports.
 *
 * `MODEL_SEEDS=5000-6000 npx vitest run client/test/model` runs another range; the first violation of each kind is shrunk and printed.
 */
import { expect, it } from 'vitest';
import { report } from './report.js';

const FIXED = '1-3000';

it('ends with the last wish heard, whatever came before', { timeout: 600_000 }, async () => {
  const [from = 1, to = from] = (process.env['MODEL_SEEDS'] ?? FIXED).split('-').map(Number);
  const { text, violations } = await report(from, to);
  console.log(text);
  expect(violations, text).toBe(0);
});
