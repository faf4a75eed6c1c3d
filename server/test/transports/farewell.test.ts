/** A client that leaves for good after its connection has ended. */
import { expect, it } from 'vitest';
import { createDobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';
import { openWebSocket } from './wires.js';

it('ends a session without connection by a `close` frame, and refuses any other frame', async () => {
  const dobby = createDobby({ port: 0, stateDir: tempFolder(), logLevel: 'silent' });
  const endpoint = `${await dobby.start()}/comet`;
  const wire = await openWebSocket(endpoint, { type: 'open', protocol: 1 });
  const { ticket, connection } = wire.opened;
  const post = async (frames: string): Promise<number> => {
    const body = `{"type":"send","ticket":"${ticket}","connection":${connection},"frames":${frames}}`;
    const headers = { 'Content-Type': 'application/json' };
    return (await fetch(endpoint, { method: 'POST', headers, body })).status;
  };
  wire.cut();
  await expect.poll(() => dobby.info.connections, { timeout: 5_000 }).toBe(0);
  expect(await post('[{"type":"pong"}]')).toBe(404);
  expect(await post(`[${'['.repeat(20_000)}${']'.repeat(20_000)}]`)).toBe(404);
  expect(await post('[{"type":"close"},{"type":"close"}]')).toBe(404);
  expect(dobby.info.sessions).toBe(1);
  expect(await post('[{"type":"close"}]')).toBe(200);
  expect(dobby.info.sessions).toBe(0);
  await dobby.stop();
});
