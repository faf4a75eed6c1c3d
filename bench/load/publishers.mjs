/**
 * The publishers of a run, in a thread of their own so that reading thousands of sockets does not slow them. Either each
 * sends its next message when its last one was answered, or one is sent every so often by whoever is free. When each was sent
 * stands in the shared `times`, at `n * publishers + p`.
 *
 * Takes {type: 'run', ms, isWarmUp}, answers {type: 'ran', accepted, elapsedMs, utilization} or {type: 'fault', message}.
 */
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { nowMs } from './clock.mjs';
import { KeepAlive } from './http.mjs';
import { Messages } from './message.mjs';
import { updateHead } from './update-request.mjs';

const ANSWER_MS = 10_000;

const { port, url, key, path, seed, publishers, everyMs, messageBytes, times: shared } = workerData;
const times = new Float64Array(shared);
const messages = new Messages(seed, messageBytes);

const requestHead = updateHead({ port, url, key, path, messageBytes });

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

/** Whether there is still time, and room to note it. */
function mayPublish(lane, untilMs) {
  return nowMs() < untilMs && slotOf(lane) < times.length;
}

function slotOf(lane) {
  return lane.n * publishers + lane.p;
}

/** Publishes the lane's next message; `answered` is called when the server took it. */
function publish(lane, answered) {
  lane.sentMs = nowMs();
  times[slotOf(lane)] = lane.sentMs;
  lane.connection.request(`${requestHead}${messages.text(lane.p, lane.n)}}`, (failure, status, body) => {
    if (failure !== null || status < 200 || status > 299) {
      return fault(
        `message ${lane.n} of publisher ${lane.p}: ${failure?.message ?? `status ${status} ${body}`}`,
      );
    }
    lane.n++;
    lane.sentMs = 0;
    answered();
  });
}

/** Each of `crew` publishes its next message when its last was answered. */
function publishInTurn(crew, untilMs) {
  const lane = (each, done) => (mayPublish(each, untilMs) ? publish(each, () => lane(each, done)) : done());
  return Promise.all(crew.map((each) => new Promise((done) => lane(each, done))));
}

/** One message every `everyMs` on whichever connection is free, however long answers take. Ends when all are answered. */
function publishByTheClock(untilMs) {
  const startMs = nowMs();
  let sent = 0;
  let answered = 0;
  return new Promise((resolve) => {
    let isOver = false;
    const end = () => {
      if (isOver && answered === sent) resolve(undefined);
    };
    const tick = () => {
      const lane = lanes.find(({ sentMs }) => sentMs === 0);
      if (lane === undefined)
        return fault(`none of ${lanes.length} updates had been answered when the next was due`);
      isOver = !mayPublish(lane, untilMs);
      if (isOver) return end();
      sent++;
      publish(lane, () => {
        answered++;
        end();
      });
      setTimeout(tick, startMs + sent * everyMs - nowMs());
    };
    tick();
  });
}

/** Publishes for `ms`; what is sent by the clock is warmed up by one publisher at full speed. */
function publishFor(ms, isWarmUp) {
  const untilMs = nowMs() + ms;
  if (everyMs === null) return publishInTurn(lanes, untilMs);
  return isWarmUp ? publishInTurn(lanes.slice(0, 1), untilMs) : publishByTheClock(untilMs);
}

async function run({ ms, isWarmUp }) {
  const startMs = nowMs();
  const before = lanes.map((lane) => lane.n);
  const utilization = performance.eventLoopUtilization();
  const watch = setInterval(() => {
    const stuck = lanes.find((lane) => lane.sentMs > 0 && nowMs() - lane.sentMs > ANSWER_MS);
    if (stuck)
      fault(`message ${stuck.n} of publisher ${stuck.p} has had no answer for ${ANSWER_MS / 1000} s`);
  }, 1000);
  await publishFor(ms, isWarmUp);
  clearInterval(watch);
  parentPort?.postMessage({
    type: 'ran',
    accepted: lanes.reduce((sum, { n }, p) => sum + n - before[p], 0),
    elapsedMs: nowMs() - startMs,
    utilization: performance.eventLoopUtilization(utilization).utilization,
  });
}

parentPort?.on('message', (message) => {
  if (message.type === 'run') run(message).catch((error) => fault(String(error)));
});
