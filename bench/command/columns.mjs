/** Every column of every report, by the name that benches give it. The first of a table stands to the left, the others to the right. */
import { countAll } from '../load/verdict.mjs';
import { MAX_P99_MS, milliseconds, NOISY, percent, share, short } from './report.mjs';

const MB = 1024 * 1024;

const fixed = (digits, figure) => (row) => figure(row)?.toFixed(digits) ?? '';
const setting = (name) => (row) => String(row.setting[name]);
const rangeOf = (values, text) => values.map(text).join('-');
const marked = (text, isMarked, mark) => (isMarked ? `${text} ${mark}` : text);
const megabytes = (name) => fixed(1, (row) => row[name] / MB);

const count = (name) => (row) => String(row.verdict[name]);
const p99 = (tally) => (row) => milliseconds(row.verdict[tally].quantile(0.99));
/** A time of the runs at their slowest, in seconds; empty where the server was not ended. */
const slowest = (figure) => (row) => {
  const isEnded = row.setting.signal !== undefined;
  return isEnded ? (Math.max(...row.runs.map(figure)) / 1000).toFixed(2) : '';
};
const middle = (sorted) => sorted[sorted.length >> 1];
const most = (name) => (row) => (Math.max(...row.runs.map(({ memory }) => memory[name])) / MB).toFixed(0);
const closings = (row) =>
  Object.entries(countAll(row.runs.map(({ endings }) => endings)))
    .map(([code, times]) => `${code} ×${times}`)
    .join(' ');

/** Title and text. @type {Record<string, [string, (row: any) => string]>} */
export const COLUMNS = {
  system: ['system', (row) => row.system],
  subscribers: ['subscribers', setting('subscribers')],
  load: [
    'publishers',
    ({ setting: { everyMs, publishers } }) => (everyMs === null ? String(publishers) : `/${everyMs} ms`),
  ],
  clients: ['clients', setting('clients')],
  sleepers: ['asleep', setting('sleepers')],
  sessions: ['sessions', setting('sessions')],
  mode: ['mode', setting('name')],

  updates: ['updates/s', (row) => short(row.updatesPerSecond)],
  deliveries: ['deliveries/s', (row) => short(row.perSecond)],
  calls: ['calls/s', (row) => short(row.perSecond)],
  lost: ['lost', ({ lost }) => marked(short(lost), lost > 0, '!')],
  disordered: ['out of order', (row) => short(row.disordered)],
  perCpu: ['per CPU-s', (row) => short(row.perCpuSecond)],
  perCpuRange: ['lowest-highest', (row) => rangeOf(row.perCpuSecondRange, short)],
  withBackEnd: ['with back end', (row) => (row.hasBackEnd ? short(row.perCpuSecondOfAll) : '')],
  ratio: [
    'dobby ÷ it',
    ({ ratio, counts }) => (ratio === undefined ? '' : marked(ratio.toFixed(2), !counts, '*')),
  ],
  p50: ['p50 ms', fixed(2, (row) => row.p50Ms)],
  p50Range: ['lowest-highest', (row) => rangeOf(row.p50RangeMs, (ms) => ms.toFixed(2))],
  p50Ratio: ['dobby ÷ it', fixed(2, (row) => row.p50Ratio)],
  p99: ['p99 ms', ({ p99Ms }) => marked(p99Ms.toFixed(2), p99Ms > MAX_P99_MS, '*')],
  p99Ratio: ['dobby ÷ it', fixed(2, (row) => row.p99Ratio)],
  serverShare: ['server CPU', (row) => percent(row.serverShare)],
  serverCpu: ['server CPU', (row) => `${row.serverCpu.toFixed(1)} s`],
  generatorCpu: ['generator CPU', (row) => `${row.generatorCpu.toFixed(2)} s`],
  micros: ['µs each', fixed(3, (row) => row.generatorMicros)],
  others: ['others', ({ othersShare }) => marked(percent(othersShare), othersShare > NOISY, '~')],
  busy: ['generator busy', (row) => marked(percent(row.generatorBusy), row.isGeneratorBound, '!')],

  perSession: ['KB/session', fixed(2, (row) => row.bytesPerSession / 1024)],
  perSessionRatio: ['it ÷ dobby', fixed(2, (row) => row.ratio)],
  megabytesBefore: ['MB before', megabytes('beforeBytes')],
  megabytesOpened: ['MB opened', megabytes('openBytes')],
  megabytesHeld: ['MB held', megabytes('heldBytes')],
  opening: ['opening s', fixed(1, (row) => row.openMs / 1000)],
  waiting: ['CPU s held', fixed(2, (row) => row.waitCpu)],

  delivered: ['delivered', ({ verdict }) => share(verdict.all)],
  silent: ['lost in silence', count('silent')],
  announced: ['lost, with a gap', count('announced')],
  doubled: ['doubled', ({ verdict }) => String(verdict.doubled + verdict.doubledByRetry)],
  outOfOrder: ['out of order', count('disordered')],
  altered: ['altered', count('altered')],
  gaps: ['gaps', ({ gaps }) => String(gaps)],
  notBack: ['not back', ({ notBack }) => String(notBack)],
  newSessions: ['new sessions', ({ newSessions }) => String(newSessions)],
  askedAgain: ['back end asked', ({ askedAgain }) => String(askedAgain)],
  exit: ['exit s', slowest(({ exitMs }) => exitMs)],
  firstBack: ['back: first s', slowest(({ backAfterMs }) => backAfterMs[0])],
  medianBack: ['median s', slowest(({ backAfterMs }) => middle(backAfterMs))],
  lastBack: ['last s', slowest(({ backAfterMs }) => backAfterMs.at(-1))],
  p50OfAll: ['p50 ms', ({ verdict }) => milliseconds(verdict.all.quantile(0.5))],
  p99OfAll: ['p99 ms', p99('all')],
  p99Online: ['online', p99('online')],
  p99CaughtUp: ['after return', p99('caughtUp')],
  p99Before: ['before', p99('before')],
  p99During: ['during', p99('during')],
  p99After: ['after', p99('after')],
  memoryBefore: ['MB before', most('before')],
  memoryMost: ['most', most('most')],
  closings: ['closed with', closings],
};
