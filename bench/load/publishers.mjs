/**
 * The publishers of a run, in a thread of their own so that reading thousands of sockets does not slow them. Each sends its
 * next message when the last one was answered. When each was sent stands in the shared `times`, at `n * publishers + p`.
 *
 * Takes {type: 'run', ms}, answers {type: 'ran', accepted, elapsedMs, utilization} or {type: 'fault', message}.
 */
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { nowMs } from './clock.mjs';
import { KeepAlive } from './http.mjs';
import { Messages } from './message.mjs';

const ANSWER_MS = 10_000;

const { port, url, key, path, seed, publishers, messageBytes, times: shared } = workerData;
const times = new Float64Array(shared);
const messages = new Messages(seed, messageBytes);

const bodyHead = `{"path":${JSON.stringify(path)},"message":`;
const requestHead =
  `POST ${url} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${bodyHead.length + messageBytes + 1}\r\n\r\n${bodyHead}`;

/** A publisher: its connection, and the number of its next message. */
const lanes = Array.from({ length: publishers }, (_, p) => ({
  p,
  n: 0,
  sentMs: 0,
  connection: new KeepAlive(port),
}));

function fault(message) {
  parentPort?.postMessage({ type: 'fault', message });
}

/** Publishes until `untilMs` or until the shared times are full, then calls `done`. */
function publish(lane, untilMs, done) {
  const slot = lane.n * publishers + lane.p;
  const now = nowMs();
  if (now >= untilMs || slot >= times.length) {
    lane.sentMs = 0;
    return done();
  }
  lane.sentMs = now;
  times[slot] = now;
  lane.connection.request(`${requestHead}${messages.text(lane.p, lane.n)}}`, (failure, status, body) => {
    if (failure !== null || status < 200 || status > 299) {
      return fault(
        `message ${lane.n} of publisher ${lane.p}: ${failure?.message ?? `status ${status} ${body}`}`,
      );
    }
    lane.n++;
    publish(lane, untilMs, done);
  });
}

function run(ms) {
  const startMs = nowMs();
  const before = lanes.map((lane) => lane.n);
  const utilization = performance.eventLoopUtilization();
  let running = lanes.length;
  const watch = setInterval(() => {
    const stuck = lanes.find((lane) => lane.sentMs > 0 && nowMs() - lane.sentMs > ANSWER_MS);
    if (stuck)
      fault(`message ${stuck.n} of publisher ${stuck.p} has had no answer for ${ANSWER_MS / 1000} s`);
  }, 1000);
  for (const lane of lanes) {
    publish(lane, startMs + ms, () => {
      if (--running > 0) return;
      clearInterval(watch);
      parentPort?.postMessage({
        type: 'ran',
        accepted: lanes.reduce((sum, { n }, p) => sum + n - before[p], 0),
        elapsedMs: nowMs() - startMs,
        utilization: performance.eventLoopUtilization(utilization).utilization,
      });
    });
  }
}

parentPort?.on('message', (message) => {
  if (message.type === 'run') run(message.ms);
});
