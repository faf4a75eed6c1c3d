/** What Dobby promises in the bench of faults, whatever happens and in each mode; and what it is to reach where speed is compared. */
import { MAX_P99_MS, milliseconds, share } from '../command/report.mjs';

const MB = 1024 * 1024;
const MAX_EXIT_MS = 2_000;
/** What a server may hold for a client that does not read (an outbox of Dobby), and beside that for all. */
const OUTBOX_MB = 1;
const BESIDE_MB = 32;

/** @typedef {import('../command/report.mjs').Bar} Bar */

/** A bar of something that must not happen. @returns {Bar} */
const none = (claim, count) => ({ claim: `no ${claim}`, isMet: count === 0, found: String(count) });
/** A bar that is no promise. @returns {Bar} */
const atMost = (claim, most, found, unit) => ({
  claim: `${claim} ${most} ${unit} at most`,
  isMet: found <= most,
  found: `${milliseconds(found)} ${unit}`,
  isPromise: false,
});

/** Returns the bars of a row. @returns {Bar[]} */
export function bars(row) {
  if (row.system !== 'dobby') return [];
  const { verdict, runs, notBack, setting } = row;
  const oddities = runs.flatMap((run) => run.oddities).slice(0, 3);
  const all = [
    none('client that did not come back', notBack),
    none('loss in silence', verdict.silent),
    none('doubled delivery', verdict.doubled),
    none('delivery out of order', verdict.disordered),
    none('altered delivery', verdict.altered),
    { claim: 'nothing odd was said', isMet: oddities.length === 0, found: oddities.join('; ') || 'nothing' },
    ...BARS[setting.name](row),
  ];
  return all.map((bar) => ({ ...bar, claim: `${setting.name}: ${bar.claim}` }));
}

/** Where the server was ended. */
function ofEnded({ runs, newSessions, askedAgain, setting }) {
  const back = runs.map(({ backAfterMs }) => backAfterMs.length);
  const isAll = back.every((count) => count === setting.clients);
  return [
    none('new session', newSessions),
    none('request to the back end after it', askedAgain),
    { claim: 'every client closed and came back', isMet: isAll, found: back.join(', ') },
  ];
}

/** @type {Record<string, (row: any) => Bar[]>} */
const BARS = {
  term: (row) => [
    ...ofEnded(row),
    atMost('it ends within', MAX_EXIT_MS, Math.max(...row.runs.map(({ exitMs }) => exitMs)), 'ms'),
    none('gap', row.gaps),
    none('accepted update missed', row.verdict.all.expected - row.verdict.all.delivered),
    none('delivery doubled because its publisher repeated it', row.verdict.doubledByRetry),
  ],
  /** Without a durable broker the log is lost: every position gets one gap. */
  kill(row) {
    const { gaps, positionsByGaps } = row.verdict;
    const counts = Object.entries(positionsByGaps).map(([count, positions]) => `${positions} with ${count}`);
    const isOnce = Object.keys(positionsByGaps).every((count) => count === '1');
    return [
      ...ofEnded(row),
      { claim: 'one gap for each position', isMet: isOnce, found: counts.join(', ') },
      none('gap for another reason than the restart', row.gaps - (gaps.restarted ?? 0)),
    ];
  },
  churn: ({ verdict: { all } }) => [
    { claim: 'all delivered', isMet: all.delivered === all.expected, found: share(all) },
  ],
  slow({ runs, setting, verdict }) {
    const grownMb = Math.max(...runs.map(({ memory }) => memory.most - memory.before)) / MB;
    const allowedMb = BESIDE_MB + (OUTBOX_MB * setting.clients * setting.slow) / 100;
    return [
      atMost('memory grows by', allowedMb, grownMb, 'MB'),
      atMost('p99 of the others during it', MAX_P99_MS, verdict.during.quantile(0.99) ?? 0, 'ms'),
    ];
  },
};
