/**
 * Proves that hearings can be found wanting, before anything is believed that their judge says: each kind of damage must be counted as
 * what it is and as nothing else, and a gap must count only where it names what is missing and comes in time.
 */
import { Hearing } from './hearing.mjs';
import { Verdict } from './judge.mjs';
import { Messages } from './message.mjs';

const PATH = 'bench/self-test';
const UPDATES = 40;
/** Which update is damaged: from a second epoch on, from 20, offsets begin at 1 again. */
const PLACES = [0, 7, 19, 20, 33, UPDATES - 2];
const COUNTERS = ['told', 'silent', 'doubled', 'doubledByRetry', 'disordered', 'altered'];
const messages = new Messages(3);

/** @typedef {{update: import('./ledger.mjs').Update} | {gap: import('./speakers/dobby.mjs').Gap}} Event */

const positionOf = (n) => ({ epoch: n < 20 ? 'selftst1' : 'selftst2', offset: (n % 20) + 1 });
const event = (n) => ({ update: { path: PATH, message: JSON.parse(messages.text(0, n)), ...positionOf(n) } });
const altered = (n, change) => ({ update: { ...event(n).update, ...change } });
const gap = (from, to) => ({
  gap: { path: PATH, from: before(from), to: positionOf(to), reason: 'evicted' },
});
const before = (n) => ({ ...positionOf(n), offset: positionOf(n).offset - 1 });

/** @type {Event[]} */
const SOUND = Array.from({ length: UPDATES }, (_, n) => event(n));

/** What is done at `n`, and what is to be counted. @type {[string, (n: number) => Event[], Record<string, number>][]} */
const CASES = [
  ['nothing', () => SOUND, {}],
  ['an update dropped', (n) => SOUND.toSpliced(n, 1), { silent: 1 }],
  ['three updates dropped', (n) => SOUND.filter((_, i) => i < n - 2 || i > n), { silent: -1 }],
  ['all after it dropped', (n) => SOUND.slice(0, n + 1), { silent: -1 }],
  ['an update doubled', (n) => SOUND.toSpliced(n, 0, SOUND[n]), { doubled: 1 }],
  ['an update again at the end', (n) => [...SOUND, SOUND[n]], { doubled: 1 }],
  ['two updates exchanged', (n) => SOUND.with(n, SOUND[n + 1]).with(n + 1, SOUND[n]), { disordered: 1 }],
  [
    'a character altered',
    (n) => SOUND.with(n, altered(n, { message: { p: 0, n, f: 'x' } })),
    { altered: 1, silent: 1 },
  ],
  ['another path', (n) => SOUND.with(n, altered(n, { path: 'bench/self-tesu' })), { altered: 1, silent: 1 }],
  [
    'a publisher that is not there',
    (n) => SOUND.with(n, altered(n, { message: { p: 1, n } })),
    { altered: 1, silent: 1 },
  ],
  ['a gap in its place', (n) => SOUND.with(n, gap(n, n)), { told: 1 }],
  ['a gap after the next update', (n) => SOUND.with(n, SOUND[n + 1]).with(n + 1, gap(n, n)), { silent: 1 }],
  ['a gap that names another', (n) => SOUND.with(n, gap(n + 1, n + 1)), { silent: 1 }],
  [
    'a gap of another path',
    (n) => SOUND.with(n, { gap: { ...gap(n, n).gap, path: 'bench/else' } }),
    { silent: 1 },
  ],
];

/** @returns {number} how many damaged hearings were judged. Throws when one was judged wrong. */
export function faultSelfTest() {
  let cases = 0;
  for (const [what, damage, due] of CASES) {
    for (const n of PLACES) {
      const events = damage(n);
      expectCounts(`${what}, at ${n}`, judged(events, false), { ...due, ...missingIn(events, due) });
      if (Object.keys(due).length > 0) cases++;
    }
  }
  expectCounts('doubled by its publisher', judged(SOUND.toSpliced(5, 0, SOUND[5]), true), {
    doubledByRetry: 1,
  });
  const restarted = [...SOUND.slice(0, 15), gap(15, 29), ...SOUND.slice(30)];
  expectCounts('a gap across epochs', judged(restarted, false), { told: 15 });
  return cases + 2;
}

/** Where a case has as many losses as updates are not there: -1 stands for it. */
function missingIn(events, due) {
  return due.silent === -1 ? { silent: UPDATES - events.length } : {};
}

/** @param {Event[]} events @param {boolean} isRetried */
function judged(events, isRetried) {
  const hearing = new Hearing(messages, new Map([[0, PATH]]));
  events.forEach((each, i) => {
    if ('gap' in each) hearing.tell(each.gap);
    else hearing.take(each.update, 1000 + i);
  });
  const numbers = Array.from({ length: UPDATES }, (_, n) => n);
  const verdict = new Verdict();
  const published = {
    p: 0,
    path: PATH,
    dueMs: numbers.map((n) => 900 + n),
    isAccepted: numbers.map(() => true),
    isRetried: numbers.map(() => isRetried),
    positions: numbers.map(positionOf),
  };
  verdict.judge(hearing, [published], [{ connectMs: 0, from: 0, to: Number.POSITIVE_INFINITY }]);
  return verdict;
}

/** @param {string} what @param {Verdict} verdict @param {Record<string, number>} due */
function expectCounts(what, verdict, due) {
  const wrong = COUNTERS.filter((name) => verdict[name] !== (due[name] ?? 0));
  const { expected, delivered } = verdict.all;
  const isWhole = expected === UPDATES && expected - delivered === verdict.told + verdict.silent;
  if (wrong.length === 0 && isWhole) return;
  const found = COUNTERS.map((name) => `${name} ${verdict[name]}`).join(', ');
  throw new Error(`the judge is not to be trusted: ${what} gave ${found} of ${expected}`);
}
