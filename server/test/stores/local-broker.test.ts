/** The local broker on disk: the contract, and what comes back after the server has ended in one way or the other. */
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { ClassicLevel } from 'classic-level';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock, systemIds } from '../../src/core/time/clock.js';
import { TimerWheel } from '../../src/core/time/timer-wheel.js';
import { createLog } from '../../src/observe/log.js';
import { Disk, type DiskOptions } from '../../src/stores/local/disk.js';
import { LocalBroker } from '../../src/stores/local/local-broker.js';
import { tempFolder } from '../support/temp-folder.js';
import { brokerContract, draftOf, entriesOf } from './contract.js';

const LOG = { maxUpdates: 1_000, maxBytes: 1_000_000, maxAgeMs: 1_000_000 };
const STATE = { maxKeys: 1_000, maxBytes: 1_000_000 };
const HOUR_MS = 3_600_000;
const open: (() => Promise<unknown>)[] = [];

async function start(folder = tempFolder(), more: Partial<DiskOptions> = {}) {
  const disk = new Disk({ folder: `${folder}/store`, clock: systemClock, log: createLog('silent'), ...more });
  const broker = new LocalBroker({
    ...{ clock: systemClock, ids: systemIds, disk, wheel: new TimerWheel(systemClock) },
    policyOf: (path) => ({
      log: path.startsWith('nolog') ? null : LOG,
      state: path.startsWith('nolog') ? null : STATE,
      slow: 'resume',
    }),
    ...{ maxTotalBytes: 1_000_000, maxStateBytes: 1_000_000, headTtlMs: HOUR_MS, maxHeads: 1_000 },
  });
  const delivered: unknown[] = [];
  const found = await disk.open();
  await broker.open(found);
  await disk.begin();
  open.push(async () => {
    broker.stop();
    // A killed one has lost its database.
    await disk.close().catch(() => undefined);
  });
  broker.start((update) => delivered.push(update.message));
  const publish = async (path: string, message: string, key: string | null = null) => {
    const outcome = await broker.publish([draftOf(path, message, { key })]);
    if ('error' in outcome) throw new Error(outcome.error.code);
    return outcome.value[0]?.position;
  };
  return { folder, disk, broker, found, publish, delivered };
}

type Started = Awaited<ReturnType<typeof start>>;

/** The databases that were opened, the last one last. */
const levels: ClassicLevel[] = [];
const { open: openLevel } = ClassicLevel.prototype;
ClassicLevel.prototype.open = function (this: ClassicLevel, ...options: unknown[]) {
  levels.push(this);
  return (openLevel as (...options: unknown[]) => Promise<void>).apply(this, options);
} as typeof openLevel;

/** Ends the server that started last as `kill -9` does: only its database is closed, which a process cannot open twice. */
async function kill({ broker }: Started): Promise<void> {
  broker.stop();
  await levels.at(-1)?.close();
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of open.splice(0)) await close();
});

brokerContract('local', async () => (await start()).broker);

describe('a store that was closed', () => {
  it('has its paths, states and requests as they were', async () => {
    const first = await start();
    await first.publish('a', 'one');
    const position = await first.publish('a', 'two', 'k');
    await first.broker.join('unused');
    const unused = (await first.broker.read('unused', { limit: 0, maxCharacters: 0 }))?.head;
    await first.broker.stop();
    await first.disk.close();
    const second = await start(first.folder);
    const tail = await second.broker.join('a');
    expect(tail?.log.head).toEqual(position);
    expect(entriesOf(tail?.log ?? null).map(({ text }) => text)).toEqual(['"one"', '"two"']);
    expect(tail?.state?.entries.get('k')).toEqual({ key: 'k', text: '"two"', offset: 2 });
    expect((await second.broker.read('unused', { limit: 0, maxCharacters: 0 }))?.head).toEqual(unused);
    expect(await second.publish('a', 'three')).toEqual({ epoch: position?.epoch, offset: 3 });
  });
});

describe('a path that was dropped', () => {
  it('begins anew, and stays so on disk, whatever its entries were', async () => {
    const first = await start();
    const inbox = '::inbox/one';
    await first.broker.join(inbox);
    for (const message of ['a', 'b', 'c']) await first.publish(inbox, message);
    first.broker.leave(inbox);
    const position = await first.publish(inbox, 'new');
    expect(position?.offset).toBe(1);
    await first.disk.close();
    const second = await start(first.folder);
    const page = await second.broker.read(inbox, { limit: 9, maxCharacters: 999 });
    expect(page?.head).toEqual(position);
    expect(page?.entries.map(({ text }) => text)).toEqual(['"new"']);
  });
});

describe('a store whose server was killed', () => {
  it('has everything that was acknowledged, in the same epoch', async () => {
    const first = await start();
    const position = await first.publish('a', 'one', 'k');
    await kill(first);
    const second = await start(first.folder);
    expect(second.found).toEqual({ mayHaveLost: false, isNew: false });
    expect((await second.broker.join('a'))?.state?.entries.get('k')?.text).toBe('"one"');
    expect(await second.publish('a', 'two')).toEqual({ epoch: position?.epoch, offset: 2 });
  });

  it('gives new epochs after another start of the machine, unless it was closed or synced', async () => {
    for (const [isSynced, isClosed, isNew] of [
      [false, false, true],
      [true, false, false],
      [false, true, false],
    ] as const) {
      const first = await start(undefined, { bootId: 'one', isSynced });
      const position = await first.publish('a', 'one');
      if (isClosed) await first.disk.close();
      else await kill(first);
      const second = await start(first.folder, { bootId: 'two', isSynced });
      const next = await second.publish('a', 'two');
      expect([next?.offset, next?.epoch !== position?.epoch], `${isSynced} ${isClosed}`).toEqual([2, isNew]);
    }
  });
});

describe('a store that is not as it was left', () => {
  it('gives new epochs when it is a copy', async () => {
    const first = await start();
    const position = await first.publish('a', 'one');
    await first.disk.close();
    const copy = tempFolder();
    cpSync(first.folder, copy, { recursive: true, preserveTimestamps: true });
    const second = await start(copy);
    expect(second.found.mayHaveLost).toBe(true);
    expect((await second.publish('a', 'two'))?.epoch).not.toBe(position?.epoch);
    const page = await second.broker.read('a', { limit: 9, maxCharacters: 999 });
    expect(page?.entries.map(({ text }) => text)).toEqual(['"one"', '"two"']);
  });

  it('is set aside when it is damaged', async () => {
    const first = await start();
    await first.publish('a', 'one');
    await first.disk.close();
    writeFileSync(`${first.folder}/store/CURRENT`, 'nonsense');
    const second = await start(first.folder);
    expect(second.found.isNew).toBe(true);
    expect(await second.publish('a', 'two')).toMatchObject({ offset: 1 });
    expect(readdirSync(first.folder).join()).toMatch(/store\.damaged-\d+/);
  });

  it('is refused when a later version has written it', async () => {
    const first = await start();
    await first.disk.store([{ type: 'put', key: 'm', value: '{"version":99}' }]);
    await kill(first);
    await expect(start(first.folder)).rejects.toThrow('version 99');
  });
});

describe('a write that fails', () => {
  const failOnce = (isStored: boolean) => {
    const write = ClassicLevel.prototype.batch;
    vi.spyOn(ClassicLevel.prototype, 'batch').mockImplementationOnce(async function (
      this: ClassicLevel,
      ...args: unknown[]
    ) {
      if (isStored) await (write as (...args: unknown[]) => Promise<void>).apply(this, args);
      throw new Error('no space left');
    } as never);
  };
  const again = async ({ publish }: Started, message: string) => {
    for (;;) {
      try {
        return await publish('a', message);
      } catch {
        await new Promise(setImmediate);
      }
    }
  };

  it('refuses all that waits, delivers nothing of it, and gives its offsets again', async () => {
    const started = await start();
    await started.publish('a', 'one');
    failOnce(false);
    const waiting = ['two', 'three'].map((message) => started.publish('a', message));
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await again(started, 'four'))?.offset).toBe(2);
    expect(started.delivered).toEqual(['one', 'four']);
    await started.disk.close();
    const next = await start(started.folder);
    const page = await next.broker.read('a', { limit: 9, maxCharacters: 999 });
    expect(page?.entries.map(({ text }) => text)).toEqual(['"one"', '"four"']);
  });

  it('counts as accepted when it turns out to be stored', async () => {
    const started = await start();
    await started.publish('a', 'one');
    failOnce(true);
    await expect(started.publish('a', 'two')).rejects.toThrow('no space left');
    expect((await again(started, 'three'))?.offset).toBe(3);
    expect(started.delivered).toEqual(['one', 'two', 'three']);
  });
});
