/** In place of the memory broker of whole servers, in this process or others: see vitest.config.ts and random-broker-hook.mjs. */
import type { MemoryBrokerOptions } from '../../src/stores/memory/memory-broker.js';
import { RandomBroker } from './random-broker.js';

export class MemoryBroker extends RandomBroker {
  constructor(options: MemoryBrokerOptions) {
    super(options, Number(process.env['RANDOM_BROKER']), Promise);
  }
}
