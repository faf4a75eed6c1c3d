import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Revocation } from '../../../src/core/access/revocation-list.js';
import { FileJournal } from '../../../src/stores/revocations/revocation-journal.js';
import { FakeClock } from '../../support/fake-clock.js';
import { tempFolder } from '../../support/temp-folder.js';

const idOf = (revocation: Revocation): string => ('id' in revocation ? revocation.id : '');

const LIFETIME_MS = 300_000;

function setUp() {
  const clock = new FakeClock();
  const file = join(tempFolder(), 'revocations');
  const open = () => new FileJournal(file, { lifetimeMs: LIFETIME_MS, clock });
  const revocation = (id: string, more: Partial<Revocation> = {}) => ({ id, at: clock.now(), ...more });
  return { clock, file, open, revocation };
}

describe('the journal of revocations', () => {
  it('gives back after a restart what was written, in order', async () => {
    const { open, revocation } = setUp();
    const journal = open();
    expect(journal.load()).toEqual([]);
    const written = [
      revocation('a'),
      revocation('b', { path: 'räume/👋\n' }),
      revocation('c', { isFinal: true }),
    ];
    for (const it of written) await journal.write(it);
    expect(open().load()).toEqual(written);
    await journal.close();
    expect(open().load()).toEqual(written);
  });

  it('has a revocation on the disk when its promise resolves, for its owner alone', async () => {
    const { file, open, revocation } = setUp();
    const journal = open();
    await journal.write(revocation('a'));
    expect(readFileSync(file, 'utf8')).toContain('"id":"a"');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await journal.close();
  });

  it('takes many writes at once, and loses and doubles none', async () => {
    const { open, revocation } = setUp();
    const journal = open();
    const ids = Array.from({ length: 500 }, (_, i) => `id-${i}`);
    const writes: Promise<void>[] = [];
    for (const [i, id] of ids.entries()) {
      writes.push(journal.write(revocation(id)));
      if (i % 50 === 0) await writes.at(-1);
    }
    await Promise.all(writes);
    expect(open().load().map(idOf)).toEqual(ids);
    await journal.close();
  });

  it('passes over a line that a crash has cut, and none that follows is lost', async () => {
    const { file, open, revocation } = setUp();
    const first = open();
    await first.write(revocation('a'));
    await first.close();
    appendFileSync(file, '{"id":"cut","at":17');
    const second = open();
    expect(second.load().map(idOf)).toEqual(['a']);
    await second.write(revocation('b'));
    expect(second.load().map(idOf)).toEqual(['a', 'b']);
    await second.close();
  });

  it('passes over lines that are damaged, whatever they hold', () => {
    const { file, open, revocation } = setUp();
    const good = JSON.stringify(revocation('good'));
    writeFileSync(
      file,
      ['', 'null', '7', '[]', '{}', '{"id":7,"at":1}', '\u0000', good, `${good}x`, '"'].join('\n'),
    );
    expect(open().load()).toEqual([revocation('good')]);
  });

  it('forgets what no ticket can come back with', async () => {
    const { clock, open, revocation } = setUp();
    const journal = open();
    await journal.write(revocation('old'));
    clock.spend(LIFETIME_MS);
    await journal.write(revocation('new'));
    expect(open().load().map(idOf)).toEqual(['old', 'new']);
    clock.spend(1);
    expect(open().load().map(idOf)).toEqual(['new']);
    await journal.close();
  });

  it('is put aside after a lifetime, and still read from there; what was put aside before goes', async () => {
    const { clock, file, open, revocation } = setUp();
    const journal = open();
    await journal.write(revocation('first'));
    clock.spend(LIFETIME_MS + 1);
    await journal.write(revocation('second'));
    expect(readFileSync(`${file}.old`, 'utf8')).toContain('first');
    clock.spend(LIFETIME_MS - 10);
    await journal.write(revocation('third'));
    clock.spend(20);
    await journal.write(revocation('fourth'));
    expect(readFileSync(`${file}.old`, 'utf8')).toContain('third');
    expect(readFileSync(`${file}.old`, 'utf8')).not.toContain('first');
    expect(open().load().map(idOf)).toEqual(['third', 'fourth']);
    await journal.close();
  });

  it('does not put aside a file that is not there', async () => {
    const { clock, file, open, revocation } = setUp();
    const journal = open();
    clock.spend(10 * LIFETIME_MS);
    await journal.write(revocation('a'));
    expect(existsSync(`${file}.old`)).toBe(false);
    await journal.close();
  });

  it('tells whoever waits that a write has failed, and tries again with the next', async () => {
    const { clock, revocation } = setUp();
    const folder = join(tempFolder(), 'missing');
    const journal = new FileJournal(join(folder, 'revocations'), { lifetimeMs: LIFETIME_MS, clock });
    const both = await Promise.allSettled([journal.write(revocation('a')), journal.write(revocation('b'))]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    mkdirSync(folder);
    await journal.write(revocation('c'));
    expect(journal.load().map(idOf)).toEqual(['c']);
    await journal.close();
  });

  it('can be closed twice, and finishes what was asked for before', async () => {
    const { open, revocation } = setUp();
    const journal = open();
    const write = journal.write(revocation('a'));
    await journal.close();
    await journal.close();
    await write;
    expect(open().load()).toHaveLength(1);
  });
});

it('begins a new line after a write that failed half-way', async () => {
  const { file, open, revocation } = setUp();
  const journal = open();
  await journal.write(revocation('a'));
  const prototype = Object.getPrototypeOf(await openFile(file)) as { datasync(): Promise<void> };
  const { datasync } = prototype;
  prototype.datasync = async () => {
    appendFileSync(file, '{"id":"half'); // what a full disk leaves behind
    throw new Error('no space left');
  };
  await expect(journal.write(revocation('b'))).rejects.toThrow('no space left');
  prototype.datasync = datasync;
  await journal.write(revocation('c'));
  expect(open().load().map(idOf)).toEqual(['a', 'b', 'c']);
  await journal.close();
});

describe('a journal that is full', () => {
  const small = (file: string, clock: FakeClock, horizonOf: 'sessions' | null = 'sessions') =>
    new FileJournal(file, { lifetimeMs: LIFETIME_MS, clock, maxLines: 10, horizonOf });

  it('has two files of so many lines, and a horizon in place of what is dropped', async () => {
    const { clock, file, revocation } = setUp();
    const journal = small(file, clock);
    let dropped = 0;
    for (let i = 0; i < 25; i++) {
      if (i === 9) dropped = clock.now();
      await journal.write(revocation(`s${i}`));
      clock.spend(10);
    }
    const loaded = small(file, clock).load();
    expect(loaded.map(idOf).filter((id) => id !== '')).toEqual(
      Array.from({ length: 15 }, (_, i) => `s${i + 10}`),
    );
    expect(loaded.filter((each) => 'horizon' in each)).toEqual([
      expect.objectContaining({ horizon: dropped, of: 'sessions' }),
    ]);
    await journal.close();
  });

  it('goes on where the server before stopped', async () => {
    const { clock, file, revocation } = setUp();
    for (let i = 0; i < 25; i++) {
      const journal = small(file, clock);
      journal.load();
      await journal.write(revocation(`s${i}`));
      await journal.close();
      clock.spend(10);
    }
    expect(readFileSync(file, 'utf8').split('\n').filter(Boolean).length).toBeLessThanOrEqual(11);
    expect(
      small(file, clock)
        .load()
        .some((each) => 'horizon' in each),
    ).toBe(true);
  });

  it('drops what may be forgotten without a horizon', async () => {
    const { clock, file, revocation } = setUp();
    const journal = small(file, clock, null);
    for (let i = 0; i < 25; i++) await journal.write(revocation(`s${i}`, { isEmpty: true }));
    expect(
      small(file, clock)
        .load()
        .some((each) => 'horizon' in each),
    ).toBe(false);
    await journal.close();
  });
});

it('is put aside by the age of its records, however often the server is restarted', async () => {
  const { clock, file, open, revocation } = setUp();
  for (let i = 0; i < 4; i++) {
    const journal = open();
    journal.load();
    await journal.write(revocation(`s${i}`));
    await journal.close();
    clock.spend(LIFETIME_MS / 2);
  }
  expect(existsSync(`${file}.old`)).toBe(true);
});

it('reads nothing again that has not changed', async () => {
  const { open, revocation } = setUp();
  const journal = open();
  await journal.write(revocation('a'));
  expect(journal.load()).toHaveLength(1);
  expect(journal.load()).toEqual([]);
  await journal.write(revocation('b'));
  expect(journal.load()).toHaveLength(2);
  await journal.close();
});
