/** One measured window: a fresh server of one system, subscribers on one path, updates published over HTTP. */
import { Fault } from '../load/fault.mjs';
import { drive } from '../load/remote.mjs';
import { withServer } from '../peers/server.mjs';
import { isDobby, PEERS } from '../peers/table.mjs';

const DRIVER = new URL('../load/window-driver.mjs', import.meta.url);
const MESSAGE_BYTES = 128;
const PATH = 'bench/measured';
/** Beside warm-up and window: connecting, draining, timing the samples. */
const OVERHEAD_MS = 180_000;
/** Publishers that send by turns where the load is one update every so often. */
const BY_TURNS = 32;
/** What a system does that loses updates, or closes connections that do not keep up. */
const LOSSES = ['missing', 'skipped', 'closed'];

/** How much is published to how many. @typedef {{name: string, subscribers: number, publishers: number, everyMs: number | null}} Setting */

/** @param {number} subscribers @param {{publishers?: number, everyMs?: number | null}} load @returns {Setting} */
export function setting(subscribers, { publishers = BY_TURNS, everyMs = null }) {
  const load = everyMs === null ? `${publishers} publishers` : `one every ${everyMs} ms`;
  return { name: `${subscribers} subscribers, ${load}`, subscribers, publishers, everyMs };
}

/** Measures. Dobby may lose nothing; when another system does, the window is measured again and what is lost is counted. */
export async function measureWindow({ system, setting: load }, { seconds, warmMs, seed }) {
  const window = {
    ...load,
    path: PATH,
    messageBytes: MESSAGE_BYTES,
    warmMs,
    measuredMs: seconds * 1000,
    seed,
  };
  try {
    return await once(system, { ...window, isLenient: false });
  } catch (error) {
    if (isDobby(system) || !(error instanceof Fault && LOSSES.includes(error.kind))) throw error;
    console.log(`${system} loses updates, so they are counted: ${error.message.split('\n', 1)[0]}`);
    return await once(system, { ...window, isLenient: true });
  }
}

function once(system, window) {
  const { dialect, publish } = PEERS[system];
  return withServer(PEERS[system], ({ server: { port, pids } }) =>
    drive(
      DRIVER,
      { ...window, dialect, publish, port, pids },
      window.warmMs + window.measuredMs + OVERHEAD_MS,
    ),
  );
}
