/**
 * The publishers of a measured window, in a thread of their own so that reading thousands of sockets does not slow them. When each update was
 * sent stands in the shared `times`, at `n * publishers + p`. Takes {ms, isWarmUp}, answers {accepted, elapsedMs, utilization}.
 */
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { Fault } from './fault.mjs';
import { Messages } from './message.mjs';
import { Publishers } from './publishers.mjs';
import { nowMs } from './usage.mjs';

const { port, publish, path, seed, publishers: count, everyMs, messageBytes, times: shared } = workerData;
const times = new Float64Array(shared);

function fail(fault) {
  throw fault;
}

const publishers = new Publishers({
  ...{ port, publish, paths: Array(count).fill(path), messages: new Messages(seed, messageBytes) },
  onFault: fail,
  onSent(p, n, atMs) {
    const slot = n * count + p;
    if (slot >= times.length) fail(new Fault('protocol', `more than ${times.length} updates`));
    times[slot] = atMs;
  },
});

parentPort?.on('message', async ({ ms, isWarmUp }) => {
  const startMs = nowMs();
  const before = publishers.accepted;
  const utilization = performance.eventLoopUtilization();
  const untilMs = startMs + ms;
  const isOver = (dueMs) => dueMs >= untilMs;
  // What is sent by the clock is warmed up by one publisher at full speed.
  if (everyMs === null || isWarmUp) await publishers.inTurn(everyMs === null ? count : 1, untilMs);
  else await publishers.byTheClock({ startMs, everyMs, publisherOf: (i) => i % count, isOver });
  await publishers.settled();
  parentPort?.postMessage({
    accepted: publishers.accepted - before,
    elapsedMs: nowMs() - startMs,
    utilization: performance.eventLoopUtilization(utilization).utilization,
  });
});
