/**
 * What is bounded in number, filled to its bound and beyond: the rate of the last thousand beside that of the first, and how long a server
 * takes to read a full journal of revocations. Fails when the rate falls below half, or the journal takes more than 2 s.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RevocationList } from '../../server/dist/server/src/core/access/revocation-list.js';
import { systemClock, systemIds } from '../../server/dist/server/src/core/time/clock.js';
import { TimerWheel } from '../../server/dist/server/src/core/time/timer-wheel.js';
import { IdempotencyRecords } from '../../server/dist/server/src/stores/memory/idempotency-records.js';
import { MemoryBroker } from '../../server/dist/server/src/stores/memory/memory-broker.js';
import {
  MAX_EMPTY_LINES,
  MAX_JOURNAL_LINES,
  openJournals,
} from '../../server/dist/server/src/stores/revocations/revocation-journal.js';
import { median } from '../command/report.mjs';

const COUNT = 120_000;
/** The median of several thousands at each end: one of them may meet a garbage collection. */
const ENDS = 9;
const MAX_FALL = 2;
const MAX_LOAD_MS = 2_000;
const MB = 1024 * 1024;

function broker() {
  const wheel = new TimerWheel(systemClock);
  const log = { maxUpdates: 1_000, maxBytes: MB, maxAgeMs: 300_000 };
  const made = new MemoryBroker({
    ...{ clock: systemClock, ids: systemIds, wheel, maxTotalBytes: 256 * MB, maxStateBytes: 256 * MB },
    ...{ headTtlMs: 86_400_000, maxHeads: 100_000, policyOf: () => ({ log, state: null, slow: 'resume' }) },
  });
  made.start(() => undefined);
  const stop = () => {
    made.stop();
    wheel.stop();
  };
  return { made, stop };
}

/** @type {Record<string, () => {add: (i: number) => unknown, stop?: () => void}>} */
const FILLED = {
  'idempotency keys'() {
    const records = new IdempotencyRecords(systemClock);
    const key = (i) => ({ owner: '', key: `k${i}`, digest: 'd' });
    return {
      add: (i) => void records.find(key(i), 'a') ?? records.add(key(i), { path: 'a', position: null }),
    };
  },
  'path heads'() {
    const { made, stop } = broker();
    const draft = { key: null, message: 1, text: '1', sender: '', except: null };
    return { add: (i) => made.publish([{ ...draft, path: `p${i}` }]), stop };
  },
  ...Object.fromEntries(
    [
      ['revocations of visitors', (i) => ({ id: `s${i}`, at: i, isEmpty: true })],
      ['revocations of sessions', (i) => ({ id: `s${i}`, at: i })],
      ['revocations of users', (i) => ({ ofUser: `u${i}`, at: i })],
    ].map(([name, of]) => [
      name,
      () => {
        const revocations = new RevocationList({
          write: async (revocation) => void JSON.stringify(revocation),
        });
        return { add: (i) => revocations.add(of(i)) };
      },
    ]),
  ),
};

/** Milliseconds of the processor that this process has used: other work on the machine does not count. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function rates({ add, stop }, count) {
  const ms = [];
  for (let i = 0; i < count; ) {
    const begun = cpuMs();
    for (let left = 1_000; left > 0; left--) await add(i++);
    ms.push(cpuMs() - begun);
  }
  stop?.();
  // The first thousands are slow in their own way: the code is not compiled yet.
  return { first: 1_000_000 / median(ms.slice(ENDS, 2 * ENDS)), last: 1_000_000 / median(ms.slice(-ENDS)) };
}

/** Fills all files of the journals, and loads them as a start does. */
async function loadMs(lines, emptyLines) {
  const folder = mkdtempSync(join(tmpdir(), 'dobby-bounds-'));
  const at = Date.now();
  const write = (name, count, of) => {
    for (const file of [name, `${name}.old`])
      writeFileSync(
        join(folder, file),
        Array.from(
          { length: count },
          (_, i) => `${JSON.stringify(of(`${file}-${i}-0123456789abcdef`))}\n`,
        ).join(''),
      );
  };
  write('revocations', lines, (id) => ({ id, at, isFinal: false, isEmpty: false }));
  write('revocations-of-visitors', emptyLines, (id) => ({ id, at, isFinal: false, isEmpty: true }));
  write('revocations-of-users', lines, (ofUser) => ({ ofUser, at, isFinal: false }));
  const journals = openJournals((name) => join(folder, name), {
    ...{ clock: systemClock, ticketMs: 300_000, longestMs: 3_600_000 },
  });
  const begun = cpuMs();
  const revocations = new RevocationList(journals, journals.load());
  // Once more, when the port is open.
  revocations.load(journals.load());
  const ms = cpuMs() - begun;
  await journals.close();
  rmSync(folder, { recursive: true });
  return { ms, lines: 4 * lines + 2 * emptyLines };
}

/** Runs it. @param {string[]} args `--short`: a few thousands, to see whether it works */
export async function bounds(args) {
  const isShort = args.includes('--short');
  const count = isShort ? 30_000 : COUNT;
  let isWell = true;
  for (const [name, make] of Object.entries(FILLED)) {
    const { first, last } = await rates(make(), count);
    const isSlow = !isShort && first / last > MAX_FALL;
    isWell &&= !isSlow;
    console.log(
      `${isSlow ? 'FAILED ' : ''}${name}: ${Math.round(first)} a second at first, ${Math.round(last)} after ${count}`,
    );
  }
  const { ms, lines } = await loadMs(...(isShort ? [5_000, 2_000] : [MAX_JOURNAL_LINES, MAX_EMPTY_LINES]));
  const isSlow = ms > MAX_LOAD_MS;
  console.log(`${isSlow ? 'FAILED ' : ''}a full journal of ${lines} lines is read in ${Math.round(ms)} ms`);
  return isWell && !isSlow ? 0 : 1;
}
