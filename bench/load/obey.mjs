/**
 * The life of a process that puts load on a server: takes one order by IPC, answers {type: 'result', result} or
 * {type: 'fault', kind, message}, and ends. If whoever ordered it dies, it kills the server under test and ends too, so that nothing is
 * left running.
 */
import { Fault } from './fault.mjs';

/**
 * @template {{pids: number[]}} O
 * @param {(order: O) => Promise<object>} fulfil
 */
export function obey(fulfil) {
  process.once('message', async (order) => {
    endWithParent(/** @type {O} */ (order).pids);
    try {
      answer({ type: 'result', result: await fulfil(/** @type {O} */ (order)) });
    } catch (error) {
      const isFault = error instanceof Fault;
      const message = isFault ? error.message : (error.stack ?? String(error));
      answer({ type: 'fault', kind: isFault ? error.kind : 'failed', message });
    }
  });
}

/** @param {number[]} pids of the server */
function endWithParent(pids) {
  process.on('disconnect', () => {
    try {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
    } finally {
      process.exit(1);
    }
  });
}

function answer(message) {
  process.send?.(message, () => process.exit(0));
}
