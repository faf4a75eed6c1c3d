/** Starts and stops that meet: whoever asks is answered, the port is let go, and a handoff waits for the server that takes it over. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';

const running: Dobby[] = [];
const REFUSED = { name: 'DobbyError', body: { code: 'restarting' } };

function create(stateDir: string, port = 0): Dobby {
  const dobby = createDobby({ port, stateDir, logLevel: 'silent' });
  running.push(dobby);
  return dobby;
}

/** A state folder with a handoff of one update, and where a path of it stands. */
async function handedOver(): Promise<{ stateDir: string; handoff: string; epoch: string | undefined }> {
  const stateDir = tempFolder();
  const first = create(stateDir);
  await first.start();
  const position = await first.update('a', 1);
  await first.stop();
  return { stateDir, handoff: join(stateDir, 'handoff'), epoch: position?.epoch };
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

afterEach(() => Promise.all(running.splice(0).map((dobby) => dobby.stop())));

it.each([0, 1, 2, 3, 5, 8])(
  'a server that is stopped %i turns after it began to start lets go of its port, and of nothing else',
  async (count) => {
    const { stateDir, epoch } = await handedOver();
    const dobby = create(stateDir);
    const started = dobby.start().then(
      (url) => url,
      (error: unknown) => error,
    );
    await turns(count);
    await dobby.stop();
    const outcome = await started;
    if (typeof outcome === 'string') await expect(fetch(`${outcome}/health`)).rejects.toThrow('fetch failed');
    else expect(outcome).toMatchObject(REFUSED);
    const next = create(stateDir);
    await next.start();
    expect(await next.update('a', 2)).toEqual({ epoch, offset: 2 });
  },
);

it('a server that is stopped before it listens leaves the handoff alone', async () => {
  const { stateDir, handoff } = await handedOver();
  const dobby = create(stateDir);
  const started = dobby.start();
  const stopped = dobby.stop();
  await expect(started).rejects.toMatchObject(REFUSED);
  await stopped;
  expect(existsSync(handoff)).toBe(true);
});

it('what a program published before it listened is handed over, though the start was given up', async () => {
  const { stateDir, epoch } = await handedOver();
  const dobby = create(stateDir);
  await dobby.update('a', 2);
  const started = dobby.start();
  const stopped = dobby.stop();
  await expect(started).rejects.toMatchObject(REFUSED);
  await stopped;
  expect(await create(stateDir).update('a', 3)).toEqual({ epoch, offset: 3 });
});

it('a server that has stopped does not start', async () => {
  const never = create(tempFolder());
  await never.stop();
  await expect(never.start()).rejects.toMatchObject(REFUSED);
  const once = create(tempFolder());
  await once.start();
  await once.stop();
  await expect(once.start()).rejects.toMatchObject(REFUSED);
});

it('a second start, and a second stop, are the first one', async () => {
  const dobby = create(tempFolder());
  const starts = [dobby.start(), dobby.start()];
  const [url, again] = await Promise.all(starts);
  expect(again).toBe(url);
  const stop = dobby.stop();
  expect(dobby.stop()).toBe(stop);
  await stop;
  await dobby.stop();
});

it('a start that failed can be tried again', async () => {
  const other = create(tempFolder());
  const port = Number(new URL(await other.start()).port);
  const dobby = create(tempFolder(), port);
  await expect(dobby.start()).rejects.toThrow('EADDRINUSE');
  await other.stop();
  expect(await dobby.start()).toContain(String(port));
});

it('a server that has stopped keeps no process waiting', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const dobby = create(tempFolder());
  await dobby.start();
  await dobby.stop();
  expect(timers()).toBeLessThanOrEqual(before);
});
