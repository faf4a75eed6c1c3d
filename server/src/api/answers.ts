/** How the API answers what operations have done. */
import type { Published } from '../core/log/broker.js';

/** Returns the answer to a request that has published something. */
export function answerOf({ position, isRepeated }: Published) {
  return { position, ...(isRepeated && { repeated: true as const }) };
}
