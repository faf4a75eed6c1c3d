/** The contract of the transports, straight to the server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDobby } from '../../src/index.js';
import { describeTransport, OPENERS, type Subject } from './contract.js';

async function start(): Promise<Subject> {
  const stateDir = mkdtempSync(join(tmpdir(), 'dobby-contract-'));
  const dobby = createDobby({ port: 0, stateDir, public: ['demo/{name*}'], logLevel: 'warn' });
  const url = await dobby.start();
  const stop = async (): Promise<void> => {
    await dobby.stop();
    rmSync(stateDir, { recursive: true });
  };
  return { dobby, endpoint: `${url}/comet`, stop };
}

for (const [name, open] of Object.entries(OPENERS)) describeTransport(name, open, start);
