/** One measured window: a fresh server of one system, subscribers on one path, updates published over HTTP. */
import { drive } from '../load/children.mjs';
import { Fault } from '../load/fault.mjs';
import { KEY } from '../peers/key.mjs';
import { turns, withServer } from './turns.mjs';

const MESSAGE_BYTES = 128;
const PATH = 'bench/measured';
/** Beside warm-up and window: connecting, draining, timing the samples. */
const OVERHEAD_MS = 180_000;
/** How many updates may await their answers where the load does not wait for them. */
const MAX_UNANSWERED = 32;

/**
 * How much is published to how many.
 * @typedef {object} Setting
 * @property {number} subscribers
 * @property {number} publishers that each await every answer; not with `everyMs`
 * @property {number | null} everyMs between two updates, whether answers come or not
 */

/** @typedef {{warmMs: number, measuredMs: number, seed: number}} Window */

/** One measured run. @typedef {import('../load/driver.mjs').Result & {system: string, setting: Setting, round: number}} Run */

/** What a system does that loses updates, or closes connections that do not keep up. */
const LOSSES = ['missing', 'skipped', 'closed'];

/**
 * One window. Dobby may lose nothing; when another system does, the window is measured again and what is lost is counted.
 * @param {string} system @param {Setting} setting @param {Window} window
 * @returns {Promise<import('../load/driver.mjs').Result>}
 */
async function measure(system, setting, window) {
  try {
    return await measureOnce(system, setting, { ...window, isLenient: false });
  } catch (error) {
    if (system === 'dobby' || !(error instanceof Fault && LOSSES.includes(error.kind))) throw error;
    console.log(`${system} loses updates, so they are counted: ${error.message.split('\n', 1)[0]}`);
    return await measureOnce(system, setting, { ...window, isLenient: true });
  }
}

/** @returns {Promise<import('../load/driver.mjs').Result>} */
function measureOnce(system, { subscribers, publishers, everyMs }, how) {
  return withServer(system, ({ port, pids }, peer) => {
    const order = {
      port,
      pids,
      dialect: peer.dialect,
      publish: { url: peer.updateUrl, key: KEY },
      path: PATH,
      subscribers,
      publishers: everyMs === null ? publishers : MAX_UNANSWERED,
      everyMs,
      messageBytes: MESSAGE_BYTES,
      ...how,
    };
    return drive(order, order.warmMs + order.measuredMs + OVERHEAD_MS);
  });
}

/**
 * Measures all systems in all settings, by turns.
 * @param {{rounds: number, seconds: number, warmSeconds: number, settings: Setting[], systems: string[], seed: number}} plan
 * @param {(run: Run) => string} tell what is to be said of a run when it has ended
 */
export async function measureAll(plan, tell) {
  const window = { warmMs: plan.warmSeconds * 1000, measuredMs: plan.seconds * 1000, seed: plan.seed };
  /** @type {Run[]} */
  const runs = [];
  for (const turn of turns(plan)) {
    const { system, setting, round } = turn;
    const run = { ...turn, ...(await measure(system, setting, window)) };
    runs.push(run);
    const load = `${setting.subscribers} subscribers, ${loadOf(setting)}`;
    console.log(`round ${round + 1}  ${system}, ${load}: ${tell(run)}`);
  }
  return runs;
}

/** How the load is named. @param {Setting} setting */
export function loadOf({ publishers, everyMs }) {
  return everyMs === null ? `${publishers} publishers` : `one every ${everyMs} ms`;
}
