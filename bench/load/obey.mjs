/**
 * The life of a process that puts load on a server: takes one order by IPC, answers {type: 'result', result} or
 * {type: 'fault', kind, message}, and ends.
 */
import { faultMessage } from './fault.mjs';
import { endWithParent } from './parent.mjs';

/**
 * @template {{pids: number[]}} O
 * @param {(order: O) => Promise<object>} fulfil
 */
export function obey(fulfil) {
  process.once('message', async (order) => {
    endWithParent(() => /** @type {O} */ (order).pids);
    try {
      answer({ type: 'result', result: await fulfil(/** @type {O} */ (order)) });
    } catch (error) {
      answer({ type: 'fault', ...faultMessage(error) });
    }
  });
}

function answer(message) {
  process.send?.(message, () => process.exit(0));
}
