/** The table and the bars of the bench of faults. A row is what became of all clients of a system's runs. */
import { COLUMNS, MAX_P99_MS, milliseconds, NOTES, othersShareOf, percent } from '../command/report.mjs';
import { countAll, Verdict } from '../load/judge.mjs';

const MB = 1024 * 1024;
/** A generator process that was this busy may have added delay of its own. */
const BUSY = 0.9;
const MAX_EXIT_MS = 2_000;
/** What a server may hold for a client that does not read (an outbox of Dobby), and beside that for all. */
const OUTBOX_MB = 1;
const BESIDE_MB = 32;
/** Its clients recover as Dobby's do. */
const RIVAL = 'socketio-recovery';

/** @param {any[]} runs of one system in one setting */
function summarise(runs) {
  const hollow = runs.findIndex(({ verdict }) => verdict.all.expected === 0);
  if (hollow >= 0) throw new Error(`run ${hollow} of ${runs.length} expected nothing`);
  const verdict = new Verdict();
  for (const run of runs) verdict.merge(run.verdict);
  const sum = (name) => runs.reduce((total, run) => total + run[name], 0);
  return {
    ...{ runs, verdict, othersShare: othersShareOf(runs), busy: Math.max(...runs.map(({ busy }) => busy)) },
    ...{ lost: sum('lost'), newSessions: sum('newSessions'), askedAgain: sum('askedAgain') },
    gaps: sumOf(verdict.gaps),
    endings: countAll(runs.map(({ endings }) => endings)),
    serverCpu: sum('serverCpu') / runs.length,
  };
}

const sumOf = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);

/** Never rounded up to 100 %. */
function share({ delivered, expected }) {
  if (delivered === expected) return '100 %';
  return `${(Math.floor((delivered / expected) * 100_000) / 1000).toFixed(3)} %`;
}

/** A time of the runs at their slowest, in seconds. */
function slowest({ runs }, figure) {
  const times = runs.map(figure).filter((ms) => ms !== undefined);
  return times.length === 0 ? '' : (Math.max(...times) / 1000).toFixed(2);
}

const isEnded = ({ setting }) => setting.signal !== undefined;
const megabytes = ({ runs }, when) => (Math.max(...runs.map(({ memory }) => memory[when])) / MB).toFixed(0);
const p99 = (tally) => (row) => milliseconds(tally(row.verdict).quantile(0.99));
const middle = (sorted) => sorted[sorted.length >> 1];

/** @type {import('../command/report.mjs').Column[]} */
const TABLE = [
  COLUMNS.system,
  ['mode', ({ setting }) => setting.name],
  ['delivered', ({ verdict }) => share(verdict.all)],
  ['lost in silence', ({ verdict }) => String(verdict.silent)],
  ['lost and told', ({ verdict }) => String(verdict.told)],
  ['doubled', ({ verdict }) => String(verdict.doubled + verdict.doubledByRetry)],
  ['out of order', ({ verdict }) => String(verdict.disordered)],
  ['altered', ({ verdict }) => String(verdict.altered)],
  ['gaps', ({ gaps }) => String(gaps)],
  ['not back', ({ lost }) => String(lost)],
  ['new sessions', ({ newSessions }) => String(newSessions)],
  ['back end asked', (row) => (isEnded(row) ? String(row.askedAgain) : '')],
  ['exit s', (row) => slowest(row, ({ exitMs }) => exitMs)],
  ['back: first s', (row) => (isEnded(row) ? slowest(row, ({ backAfterMs }) => backAfterMs[0]) : '')],
  ['median s', (row) => (isEnded(row) ? slowest(row, ({ backAfterMs }) => middle(backAfterMs)) : '')],
  ['last s', (row) => (isEnded(row) ? slowest(row, ({ backAfterMs }) => backAfterMs.at(-1)) : '')],
  ['p50 ms', ({ verdict }) => milliseconds(verdict.all.quantile(0.5))],
  ['p99 ms', p99(({ all }) => all)],
  ['online', p99(({ online }) => online)],
  ['after return', p99(({ caughtUp }) => caughtUp)],
  ['before', p99(({ before }) => before)],
  ['during', p99(({ during }) => during)],
  ['after', p99(({ after }) => after)],
  ['MB before', (row) => megabytes(row, 'before')],
  ['most', (row) => megabytes(row, 'most')],
  [
    'closed with',
    ({ endings }) =>
      Object.entries(endings)
        .map(([code, count]) => `${code} ×${count}`)
        .join(' '),
  ],
  ['server CPU', ({ serverCpu }) => `${serverCpu.toFixed(1)} s`],
  ['generator busy', ({ busy }) => `${percent(busy)}${busy > BUSY ? ' !' : ''}`],
  COLUMNS.others,
];

/** A bar of something that must not happen. @returns {import('../command/report.mjs').Bar} */
function none(claim, count) {
  return { claim: `no ${claim}`, isMet: count === 0, found: String(count) };
}

/** The first of these is mostly how long clients are gone, which is the same for all. */
const QUICKER = [
  ['p99', 'all'],
  ['p99 after return', 'caughtUp'],
];

/** Dobby's p99s beside those of a system. */
function compare({ verdict }, dobby) {
  return {
    p99s: QUICKER.map(([, tally]) => [dobby.verdict, verdict].map((each) => each[tally].quantile(0.99))),
  };
}

/** @returns {import('../command/report.mjs').Bar} */
function isQuicker([own, other], i) {
  const found = `${milliseconds(own)} ms, ${milliseconds(other)} ms`;
  return {
    claim: `churn: ${QUICKER[i][0]} of dobby below that of ${RIVAL}`,
    isMet: own < other,
    found,
    isPromise: false,
  };
}

/** What Dobby promises whatever happens, then of each mode. @returns {import('../command/report.mjs').Bar[]} */
function bars(row) {
  if (row.system === RIVAL && row.setting.name === 'churn') return (row.p99s ?? []).map(isQuicker);
  if (row.system !== 'dobby') return [];
  const { verdict, runs, lost, setting } = row;
  const oddities = runs.flatMap((run) => run.oddities).slice(0, 3);
  const all = [
    none('client that did not come back', lost),
    none('loss in silence', verdict.silent),
    none('doubled delivery', verdict.doubled),
    none('delivery out of order', verdict.disordered),
    none('altered delivery', verdict.altered),
    { claim: 'nothing odd was said', isMet: oddities.length === 0, found: oddities.join('; ') || 'nothing' },
    ...(isEnded(row) ? barsOfEnded(row) : []),
    ...BARS[setting.name](row),
  ];
  return all.map((bar) => ({ ...bar, claim: `${setting.name}: ${bar.claim}` }));
}

function barsOfEnded({ runs, newSessions, askedAgain, setting }) {
  const back = runs.map(({ backAfterMs }) => backAfterMs.length);
  return [
    none('new session', newSessions),
    none('request to the back end after it', askedAgain),
    {
      claim: 'every client closed and came back',
      isMet: back.every((count) => count === setting.clients),
      found: back.join(', '),
    },
  ];
}

/** @type {Record<string, (row: any) => import('../command/report.mjs').Bar[]>} */
const BARS = {
  term: (row) => [
    {
      claim: `it ends within ${MAX_EXIT_MS / 1000} s`,
      isMet: row.runs.every(({ exitMs }) => exitMs <= MAX_EXIT_MS),
      found: `${slowest(row, ({ exitMs }) => exitMs)} s`,
      isPromise: false,
    },
    none('gap', row.gaps),
    none('accepted update missed', row.verdict.all.expected - row.verdict.all.delivered),
    none('delivery doubled because its publisher repeated it', row.verdict.doubledByRetry),
  ],
  /** Without a durable broker the log is lost: every position gets one gap. */
  kill({ verdict: { gaps, positionsByGaps } }) {
    const counts = Object.entries(positionsByGaps).map(([count, positions]) => `${positions} with ${count}`);
    const isOnce = Object.keys(positionsByGaps).every((count) => count === '1');
    return [
      { claim: 'one gap for each position', isMet: isOnce, found: counts.join(', ') },
      none('gap for another reason than the restart', sumOf(gaps) - (gaps.restarted ?? 0)),
    ];
  },
  churn: ({ verdict: { all } }) => [
    { claim: 'all delivered', isMet: all.delivered === all.expected, found: share(all) },
  ],
  slow({ runs, setting, verdict }) {
    const grown = Math.max(...runs.map(({ memory }) => memory.most - memory.before)) / MB;
    const allowed = BESIDE_MB + (OUTBOX_MB * setting.clients * setting.slow) / 100;
    const during = verdict.during.quantile(0.99) ?? 0;
    return [
      {
        claim: `memory grows by ${allowed} MB at most`,
        isMet: grown <= allowed,
        found: `${grown.toFixed(1)} MB`,
        isPromise: false,
      },
      {
        claim: `p99 of the others during it ${MAX_P99_MS} ms at most`,
        isMet: during <= MAX_P99_MS,
        found: `${milliseconds(during)} ms`,
        isPromise: false,
      },
    ];
  },
};

export const REPORT = {
  title: () =>
    'Counts of all runs together, times of the slowest run, p99s in ms of all samples; before, during and after are of clients that read on',
  summarise,
  compare,
  columns: TABLE,
  notes: [
    ...NOTES.slice(1, 2),
    [({ busy }) => busy > BUSY, '! a process of the load generator was so busy that times may be its own'],
  ],
  bars,
};
