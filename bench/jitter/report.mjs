/** From runs of the bench of clients that come and go to its table, its bars and its JSON. */
import { writeResults } from '../command/results.mjs';
import { percent, printTable } from '../command/table.mjs';
import { milliseconds, none, printBars } from '../load/bars.mjs';
import { Verdict } from '../load/judge.mjs';

/** A generator process that was this busy may have added delay of its own. */
const BUSY = 0.9;
/** More than this share of a core for other processes, and times are theirs too. */
const NOISY = 0.2;

/** @typedef {{system: string, runs: import('./jitter.mjs').Run[], verdict: Verdict}} Row */

/** @param {Row} row @param {(run: import('./jitter.mjs').Run) => number} figure */
const highest = ({ runs }, figure) => Math.max(...runs.map(figure));
const sum = ({ runs }, figure) => runs.reduce((total, run) => total + figure(run), 0);

/** Never rounded up to 100 %. @param {{delivered: number, expected: number}} tally */
function delivered({ delivered: came, expected }) {
  const share = Math.floor((came / expected) * 100_000) / 1000;
  return `${came === expected ? '100' : share.toFixed(3)} %`;
}

/** @type {import('../command/table.mjs').Column<Row>[]} */
const COLUMNS = [
  ['system', (row) => row.system],
  ['delivered', ({ verdict }) => delivered(verdict.all)],
  ['lost in silence', ({ verdict }) => String(verdict.silent)],
  ['lost and told', ({ verdict }) => String(verdict.told)],
  ['doubled', ({ verdict }) => String(verdict.doubled)],
  ['out of order', ({ verdict }) => String(verdict.disordered)],
  ['altered', ({ verdict }) => String(verdict.altered)],
  ['gaps', ({ verdict }) => String(Object.values(verdict.gaps).reduce((a, b) => a + b, 0))],
  ['not back', (row) => String(sum(row, (run) => run.lost))],
  ['p50 ms', ({ verdict }) => milliseconds(verdict.all.quantile(0.5))],
  ['p99 ms', ({ verdict }) => milliseconds(verdict.all.quantile(0.99))],
  ['max ms', ({ verdict }) => milliseconds(verdict.all.quantile(1))],
  ['online', ({ verdict }) => delivered(verdict.online)],
  ['p50 ms', ({ verdict }) => milliseconds(verdict.online.quantile(0.5))],
  ['p99 ms', ({ verdict }) => milliseconds(verdict.online.quantile(0.99))],
  ['after return: p50 ms', ({ verdict }) => milliseconds(verdict.caughtUp.quantile(0.5))],
  ['p99 ms', ({ verdict }) => milliseconds(verdict.caughtUp.quantile(0.99))],
  ['server CPU', (row) => `${(sum(row, (run) => run.serverCpu) / row.runs.length).toFixed(1)} s`],
  [
    'generator busy',
    (row) =>
      mark(
        highest(row, (run) => run.busy),
        BUSY,
        '!',
      ),
  ],
  [
    'others',
    (row) =>
      mark(
        highest(row, (run) => run.othersShare),
        NOISY,
        '~',
      ),
  ],
];

function mark(share, limit, sign) {
  return `${percent(share)}${share > limit ? ` ${sign}` : ''}`;
}

/**
 * Prints and writes all.
 * @param {import('./jitter.mjs').Run[]} runs
 * @param {import('./options.mjs').JitterOptions} options
 * @returns {Promise<boolean>} whether Dobby kept its promises
 */
export async function report(runs, options) {
  const rows = options.systems.map((system) => rowOf(system, runs));
  const { clients, rounds, seconds, perSecond, everyMs, offMs } = options;
  console.log(
    `\n${clients} clients, each gone ${offMs / 1000} s in every ${everyMs / 1000} s; ${perSecond} updates a second; ${rounds} runs of ${seconds} s, all samples merged\n`,
  );
  printTable(COLUMNS, rows);
  const bars = barsOf(rows);
  const isKept = printBars(bars);
  console.log(
    '! a generator process was so busy that times may be its own   ~ other processes took part of the cores',
  );
  await writeResults('jitter', { options, bars, runs });
  return isKept;
}

/** @returns {Row} */
function rowOf(system, all) {
  const runs = all.filter((run) => run.system === system);
  const verdict = new Verdict();
  for (const run of runs) verdict.merge(run.verdict.toJSON());
  return { system, runs, verdict };
}

/** @param {Row[]} rows @returns {import('../load/bars.mjs').Bar[]} */
function barsOf(rows) {
  const dobby = rows.find((row) => row.system === 'dobby');
  if (dobby === undefined) return [];
  const { verdict, runs } = dobby;
  const oddities = runs.flatMap(({ firstOddities }) => firstOddities).slice(0, 3);
  return [
    {
      claim: 'all delivered',
      isMet: verdict.all.delivered === verdict.all.expected,
      found: delivered(verdict.all),
    },
    none('loss in silence', verdict.silent),
    none('doubled delivery', verdict.doubled + verdict.doubledByRetry),
    none('delivery out of order', verdict.disordered),
    none('altered delivery', verdict.altered),
    none(
      'client that did not come back',
      sum(dobby, (run) => run.lost),
    ),
    { claim: 'nothing odd was said', isMet: oddities.length === 0, found: oddities.join('; ') || 'nothing' },
    ...rows.filter(({ system }) => system === 'socketio-recovery').flatMap((peer) => quicker(dobby, peer)),
  ];
}

/** The first of these is mostly how long clients are gone, which is the same for all. @returns {import('../load/bars.mjs').Bar[]} */
function quicker(dobby, peer) {
  return [
    ['p99', 'all'],
    ['p99 after return', 'caughtUp'],
  ].map(([what, tally]) => {
    const [own, other] = [dobby, peer].map(({ verdict }) => verdict[tally].quantile(0.99));
    return {
      claim: `${what} below that of ${peer.system}`,
      isMet: own < other,
      found: `${milliseconds(own)} ms, ${milliseconds(other)} ms`,
      isPromise: false,
    };
  });
}
