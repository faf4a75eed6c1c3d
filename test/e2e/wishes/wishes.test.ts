/**
 * The last wish is what is heard, with real sockets: a real Dobby, the real transports, views that take their time, and for each Pomona a
 * proxy that delays, holds, swallows and cuts. The model of client/test/model runs far more sequences, without sockets.
 *
 * `WISHES_SEEDS=500-700 npx vitest run --project e2e test/e2e/wishes` runs another range.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Dice } from '../../../client/test/model/dice.js';
import { createDobby, type Dobby } from '../../../server/src/index.js';
import { tempFolder } from '../../../server/test/support/temp-folder.js';
import { isLong } from '../../size.js';
import { type Result, runSequence } from './sequence.js';
import { SlowBackEnd } from './slow-back-end.js';

const FIXED = isLong ? '1-1200' : '1-240';
const TIMEOUT_MS = isLong ? 1_200_000 : 240_000;
const AT_A_TIME = 50;
const PING_INTERVAL_MS = 2_000;
/** A session whose client never received `opened` holds its subscriptions so long. */
const SESSION_TTL_MS = 10_000;
const MOST_LINES = 60;
const MOST_TRACES = 3;

let dobby: Dobby;
let url: string;
let backEnd: SlowBackEnd;
let backEndUrl: string;

beforeAll(async () => {
  dobby = createDobby({
    port: 0,
    stateDir: tempFolder(),
    apiKey: 'a-key-of-the-tests-0123456789',
    public: ['{sequence}/public-{name}'],
    paths: [
      { pattern: '{sequence}/nolog-{name}', log: false },
      { pattern: '{sequence}/public-nolog-{name}', log: false },
    ],
    pingIntervalMs: PING_INTERVAL_MS,
    sessionTtlMs: SESSION_TTL_MS,
    logLevel: 'silent',
  });
  url = await dobby.start();
  backEnd = new SlowBackEnd({ url, apiKey: dobby.apiKey.key }, new Dice(1, 'back end'));
  backEndUrl = await backEnd.start();
}, 30_000);

afterAll(async () => {
  await dobby.stop();
  await backEnd.stop();
});

it('ends with the last wish heard, over real sockets', { timeout: TIMEOUT_MS }, async () => {
  const [from = 1, to = from] = (process.env['WISHES_SEEDS'] ?? FIXED).split('-').map(Number);
  const startedAt = performance.now();
  const results: Result[] = [];
  let next = from;
  const work = async (): Promise<void> => {
    while (next <= to) results.push(await runSequence(next++, { dobby, url, backEnd, backEndUrl }));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  const text = [summary(results, performance.now() - startedAt), ...failures(results)].join('\n');
  console.log(text);
  expect(results.filter(({ violation }) => violation !== null).length, text).toBe(0);
});

function summary(results: readonly Result[], ms: number): string {
  const sum = { connections: 0, cuts: 0, held: 0, swallowed: 0 };
  for (const { figures } of results)
    for (const name of ['connections', 'cuts', 'held', 'swallowed'] as const) sum[name] += figures[name];
  const quiet = results.map(({ quietAfterMs }) => Math.round(quietAfterMs)).sort((a, b) => a - b);
  const figures = { ...sum, ...backEnd.figures, quietAfterMs: [quiet.at(quiet.length >> 1), quiet.at(-1)] };
  return `${results.length} sequences in ${(ms / 1_000).toFixed(1)} s: ${JSON.stringify(figures)}`;
}

function failures(results: readonly Result[]): string[] {
  const failed = results.filter(({ violation }) => violation !== null).sort((a, b) => a.seed - b.seed);
  const lines = failed.map(({ seed, violation }) => `seed ${seed}: ${violation}`);
  const traces = failed
    .slice(0, MOST_TRACES)
    .map(({ seed, trace }) => `\nseed ${seed}\n${trace.slice(-MOST_LINES).join('\n')}`);
  return [...lines, ...traces];
}
