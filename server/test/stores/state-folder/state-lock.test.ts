/** One server at a time uses a state folder, and none is kept out by one that has ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  isRunning,
  ownIdentity,
  type ProcessIdentity,
} from '../../../src/stores/state-folder/process-identity.js';
import { StateFolder, StateFolderError } from '../../../src/stores/state-folder/state-folder.js';
import { StateLock } from '../../../src/stores/state-folder/state-lock.js';
import { TestLog } from '../../auth/tokens/token-world.js';
import { FakeClock } from '../../support/fake-clock.js';
import { tempFolder } from '../../support/temp-folder.js';

const children: ChildProcess[] = [];
const locks: StateLock[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const lock of locks.splice(0)) lock.release();
});

/** A process that does nothing, and what is known of it. */
async function startProcess(): Promise<{ child: ChildProcess; identity: ProcessIdentity }> {
  const child = spawn('sleep', ['60']);
  children.push(child);
  await new Promise((resolve) => child.once('spawn', resolve));
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  return { child, identity: { ...ownIdentity(), pid: child.pid ?? 0, start } };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

function setUp(folder = tempFolder()) {
  const clock = new FakeClock();
  const log = new TestLog();
  const file = join(folder, 'lock');
  const lock = new StateLock({ file, folder, clock, log });
  locks.push(lock);
  const write = (identity: object) =>
    writeFileSync(file, `${JSON.stringify({ ...identity, nonce: '0123456789abcdef' })}\n`);
  return { clock, log, file, folder, lock, write };
}

/** Waits as `take` does, while time passes; answers what came of it. */
async function take({ lock, clock }: ReturnType<typeof setUp>, isGivenUp = () => false) {
  let outcome: unknown;
  const taking = lock.take(isGivenUp).then(
    () => 'taken',
    (error: unknown) => error,
  );
  void taking.then((it) => {
    outcome = it;
  });
  let waitedMs = 0;
  while (outcome === undefined && waitedMs < 20_000) {
    await new Promise(setImmediate);
    if (outcome === undefined) await clock.advance(50);
    waitedMs += 50;
  }
  return { outcome: await taking, waitedMs };
}

describe('a lock', () => {
  it('names its process, and goes when it is let go', () => {
    const { lock, file, folder } = setUp();
    lock.takeNow();
    lock.takeNow();
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
    lock.release();
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is not taken while another server of this process has it, who is named after 5 s', async () => {
    const first = setUp();
    first.lock.takeNow();
    const second = setUp(first.folder);
    const { outcome, waitedMs } = await take(second);
    expect(outcome).toBeInstanceOf(StateFolderError);
    expect(String(outcome)).toContain(`in use by another Dobby (in this process, ${process.pid})`);
    expect(waitedMs).toBeGreaterThanOrEqual(5_000);
    expect(waitedMs).toBeLessThan(5_300);
    expect(() => second.lock.takeNow()).toThrow(StateFolderError);
    second.lock.release();
    expect(existsSync(first.file)).toBe(true);
  });

  it('is taken as soon as the other lets it go within 5 s', async () => {
    const first = setUp();
    first.lock.takeNow();
    const second = setUp(first.folder);
    const released = first.clock.after(0, () => undefined);
    released();
    second.clock.after(2_000, () => first.lock.release());
    const { outcome, waitedMs } = await take(second);
    expect(outcome).toBe('taken');
    expect(waitedMs).toBeLessThan(2_300);
  });

  it('is not waited for by a server that stops', async () => {
    const first = setUp();
    first.lock.takeNow();
    const second = setUp(first.folder);
    expect(await take(second, () => second.clock.monotonic() > 1_500)).toMatchObject({ outcome: 'taken' });
    second.lock.release();
    expect(existsSync(first.file)).toBe(true);
  });

  it('of a process that runs is refused by its number', async () => {
    const { identity } = await startProcess();
    const it = setUp();
    it.write(identity);
    expect(String((await take(it)).outcome)).toContain(`(process ${identity.pid})`);
  });

  it('of a process that was killed is taken at once', async () => {
    const { child, identity } = await startProcess();
    const it = setUp();
    it.write(identity);
    await kill(child);
    expect(() => it.lock.takeNow()).not.toThrow();
    expect(JSON.parse(readFileSync(it.file, 'utf8'))).toMatchObject({ pid: process.pid });
    expect(readdirSync(it.folder)).toEqual(['lock']);
  });

  it('of a process whose number another has now is taken at once', async () => {
    const { identity } = await startProcess();
    const it = setUp();
    it.write({ ...identity, start: '1' });
    expect(() => it.lock.takeNow()).not.toThrow();
  });

  it('of a process that had the number of this one is taken at once', () => {
    const it = setUp();
    it.write({ ...ownIdentity(), start: '1' });
    expect(() => it.lock.takeNow()).not.toThrow();
  });

  it('of a process before a reboot, or in another container, is taken when it shows no life for 4 s', async () => {
    const it = setUp();
    it.write({ ...ownIdentity(), place: 'elsewhere', host: 'other' });
    const { outcome, waitedMs } = await take(it);
    expect(outcome).toBe('taken');
    expect(waitedMs).toBeGreaterThanOrEqual(4_000);
  });

  it('of a process in another container is refused while it shows life, by its number there', async () => {
    const it = setUp();
    it.write({ ...ownIdentity(), pid: 7, place: 'elsewhere', host: 'other' });
    let beats = 0;
    const beat = (): void => {
      utimesSync(it.file, ++beats, it.clock.now() / 1_000);
      it.clock.after(1_000, beat);
    };
    beat();
    expect(String((await take(it)).outcome)).toContain(
      '(process 7 on "other", another machine or container)',
    );
  });

  it('of a process elsewhere that has shown nothing for a minute is taken at once', () => {
    const it = setUp();
    it.write({ ...ownIdentity(), place: 'elsewhere' });
    utimesSync(it.file, 0, it.clock.now() / 1_000 - 61);
    expect(() => it.lock.takeNow()).not.toThrow();
  });

  it.each(['', 'no JSON', '{"pid": 1}', '\u0000'])(
    'that says %j is taken when it stays so for 4 s',
    async (text) => {
      const it = setUp();
      writeFileSync(it.file, text);
      utimesSync(it.file, 0, it.clock.now() / 1_000);
      expect(() => it.lock.takeNow()).toThrow(/names no process/);
      const { outcome, waitedMs } = await take(it);
      expect(outcome).toBe('taken');
      expect(waitedMs).toBeGreaterThanOrEqual(4_000);
    },
  );

  it('shows life every second, until it is let go', async () => {
    const { lock, clock, file } = setUp();
    lock.takeNow();
    utimesSync(file, 0, 0);
    await clock.advance(1_000);
    const { mtimeMs } = await import('node:fs').then(({ statSync }) => statSync(file));
    expect(Math.abs(mtimeMs - clock.now())).toBeLessThan(50);
    expect(clock.timers).toBe(1);
    lock.release();
    expect(clock.timers).toBe(0);
  });

  it('that another server has taken is told in the log, and left alone', async () => {
    const it = setUp();
    it.lock.takeNow();
    it.write({ ...ownIdentity(), pid: 7 });
    await it.clock.advance(3_000);
    expect(it.log.levels).toEqual(['error']);
    it.lock.release();
    expect(existsSync(it.file)).toBe(true);
  });

  it('bears that the folder goes', async () => {
    const it = setUp();
    it.lock.takeNow();
    rmSync(it.folder, { recursive: true });
    await it.clock.advance(3_000);
    expect(() => it.lock.release()).not.toThrow();
  });

  it('is not needed where the folder cannot be written to, and is kept where it is', async (context) => {
    if (process.getuid?.() !== 0 || process.seteuid === undefined)
      return context.skip('only root may become another user');
    const { identity } = await startProcess();
    const free = setUp();
    const held = setUp();
    held.write(identity);
    const { chmodSync } = await import('node:fs');
    for (const { folder } of [free, held]) chmodSync(folder, 0o555);
    process.seteuid(65_534);
    try {
      expect(() => free.lock.takeNow()).not.toThrow();
      expect(free.log.text).toContain('cannot be written to');
      expect(() => held.lock.takeNow()).toThrow(`(process ${identity.pid})`);
    } finally {
      process.seteuid(0);
    }
    free.lock.release();
  });
});

describe('many that start at once', () => {
  it('find one lock between them, free or left by a process that was killed', async () => {
    const { child, identity } = await startProcess();
    await kill(child);
    for (const isLeft of [false, true]) {
      const first = setUp();
      if (isLeft) first.write(identity);
      const all = [first, ...Array.from({ length: 9 }, () => setUp(first.folder))];
      const taken = all.filter(({ lock }) => {
        try {
          lock.takeNow();
          return true;
        } catch {
          return false;
        }
      });
      expect(taken.length).toBe(1);
      expect(readdirSync(first.folder)).toEqual(['lock']);
    }
  });

  it('have one API key', () => {
    const folder = tempFolder();
    const file = join(folder, 'api-key');
    const [one, other] = [new StateFolder(folder, () => {}), new StateFolder(folder, () => {})];
    const { key } = one.made('api-key');
    expect(other.made('api-key')).toEqual({ key, keys: [key], isNew: false });
    expect(readFileSync(file, 'utf8')).toBe(`${key}\n`);
    expect(readdirSync(folder)).toEqual(['api-key']);
  });
});

describe('a process', () => {
  it('that has ended and waits for its parent does not run', async (context) => {
    if (!existsSync('/proc/self/stat')) return context.skip('only Linux shows such processes');
    // The shell that started it never looks, because it became another program.
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(parent);
    const pid = Number(await new Promise((resolve) => parent.stdout?.once('data', resolve)));
    const stat = () => readFileSync(`/proc/${pid}/stat`, 'latin1');
    await expect.poll(() => / Z /.test(stat()), { interval: 10, timeout: 5_000 }).toBe(true);
    expect(isRunning({ ...ownIdentity(), pid, start: null })).toBe(false);
  });

  it('in another place is not known', () => {
    expect(isRunning({ ...ownIdentity(), place: 'elsewhere' })).toBeNull();
    expect(isRunning(ownIdentity())).toBe(true);
  });
});
