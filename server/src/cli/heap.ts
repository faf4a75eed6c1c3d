/**
 * Keeps the memory of the process near to what lives in it. V8 lets the heap grow to several times that before it collects, and an idle
 * process keeps its garbage until it allocates again: after a burst the system would not get the memory back.
 */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * By how much of what lives in it the heap grows until it is collected, in per cent. `npm run attack -- --sockets 48` made the process
 * grow by 170 MB with 35, 208 with 50 and 255 with 100; 35 cost a fan-out 2 % of its CPU, 25 cost 8 %.
 */
const GROWTH_PERCENT = 35;
const LOOK_MS = 10_000;
/** Idle looks in a row: longer than a session waits for its client, so that what ends with it is garbage by then. */
const IDLE_LOOKS = 4;
/** The loop of an idle process runs for less than this part of the time. */
const IDLE_PART = 0.1;
/** A collection is worth it when so many bytes have come since the last one, and this part of what was left then. */
const WORTH_BYTES = 4 * 1024 * 1024;
const WORTH_PART = 0.25;
/** A larger heap is left to V8: a collection stops everything for some milliseconds for each 10 MB that live. */
const MAX_BYTES = 128 * 1024 * 1024;

/** What an idle collector looks at. */
export interface HeapView {
  /** Bytes that are in use, in the heap and in buffers. */
  readonly usedBytes: () => number;
  /** Part of the time, 0 to 1, in which the loop ran since the last call. */
  readonly busyPart: () => number;
  readonly collect: () => void;
}

/** Collects garbage once when the process has become idle. */
export class IdleCollector {
  readonly #heap: HeapView;
  #idleLooks = 0;
  #floorBytes: number;

  constructor(heap: HeapView) {
    this.#heap = heap;
    this.#floorBytes = heap.usedBytes();
  }

  /** Looks at the heap; to be called every ten seconds. */
  look(): void {
    const { usedBytes, busyPart, collect } = this.#heap;
    const used = usedBytes();
    this.#floorBytes = Math.min(this.#floorBytes, used);
    this.#idleLooks = busyPart() < IDLE_PART ? this.#idleLooks + 1 : 0;
    const worthBytes = Math.max(WORTH_BYTES, WORTH_PART * this.#floorBytes);
    if (this.#idleLooks < IDLE_LOOKS || used > MAX_BYTES || used - this.#floorBytes < worthBytes) return;
    this.#idleLooks = 0;
    collect();
    this.#floorBytes = usedBytes();
  }
}

/** Keeps the memory of this process small, from now on. */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  let last = performance.eventLoopUtilization();
  const collector = new IdleCollector({
    usedBytes() {
      // Not process.memoryUsage(): that reads a file, and throws when no file descriptor is left.
      const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
      return heap + external;
    },
    busyPart() {
      const before = last;
      last = performance.eventLoopUtilization();
      return performance.eventLoopUtilization(last, before).utilization;
    },
    collect() {
      gc();
      // What the first one emptied is given back by the second.
      gc();
    },
  });
  setInterval(() => collector.look(), LOOK_MS).unref();
}
