/**
 * How far the heap may grow between two full collections. V8 lets a heap double and more before it looks what is still of use, so that
 * a burst of large requests leaves hundreds of megabytes of garbage; a server that is one of several on a machine had better not.
 */
import { setFlagsFromString } from 'node:v8';

/** Beyond what was of use at the last full collection, in percent. */
const GROWTH_PERCENT = 20;

/** Bounds the growth of the heap of this process from now on. */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
