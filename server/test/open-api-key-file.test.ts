import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ApiKeys } from '../src/auth/api-keys/api-keys.js';
import { openApiKeyFile } from '../src/open-api-key-file.js';
import { TestLog } from './auth/tokens/token-world.js';
import { FakeClock } from './support/fake-clock.js';
import { tempFolder } from './support/temp-folder.js';

const FULL = 'the-key-that-may-do-everything';
const keyOf = (name: string) => `the-secret-key-of-${name}`;
const text = (...names: string[]) => JSON.stringify(names.map((name) => ({ name, key: keyOf(name) })));

let file: string;
let clock: FakeClock;
let keys: ApiKeys;
let log: TestLog;

beforeEach(() => {
  file = join(tempFolder(), 'keys.json');
  clock = new FakeClock();
  keys = new ApiKeys([FULL]);
  log = new TestLog();
});

const open = () => openApiKeyFile({ file, keys, log, clock });

/** What was logged at a level: the names of the keys that were read again, and the faults of the file. */
const logged = (level: string, field: string) =>
  log.lines.filter((line) => line.level === level).map(({ fields }) => fields[field as never] as unknown);
const changes = () => logged('info', 'names');
const faults = () => logged('error', 'error');

function watched(...names: string[]) {
  writeFileSync(file, text(...names));
  const keyFile = open();
  keyFile.watch();
  return keyFile;
}

/** Puts the file in place as editors do. */
function rename(content: string): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

const good = (...names: string[]) =>
  names.filter((name) => keys.find(`Bearer ${keyOf(name)}`)?.name === name);

describe('the file of keys', () => {
  it('is read when it is opened, and refused with its name and field', () => {
    expect(open).toThrow(`"${file}" does not exist`);
    writeFileSync(file, '[{"name": "a", "key": "too-short"}]');
    expect(open).toThrow(`"${file}" is not valid: 0.key: must have at least 16 characters`);
    mkdirSync(`${file}.d`);
    file = `${file}.d`;
    expect(open).toThrow(`"${file}" is not a regular file`);
    file = join(file, 'keys.json');
    writeFileSync(file, text('a'));
    open();
    expect(good('a')).toEqual(['a']);
  });

  it('that is huge is refused', () => {
    writeFileSync(file, ' '.repeat(1024 * 1024 + 1));
    expect(open).toThrow(`"${file}" is larger than 1048576 bytes`);
  });

  it('is read again within a second of its change, and only then', () => {
    watched('old');
    clock.advance(5_000);
    expect(changes()).toEqual([]);
    rename(text('old', 'new'));
    clock.advance(999);
    expect(good('old', 'new')).toEqual(['old']);
    clock.advance(1);
    expect(good('old', 'new')).toEqual(['old', 'new']);
    rename(text('new'));
    clock.advance(1_000);
    expect(good('old', 'new')).toEqual(['new']);
    clock.advance(5_000);
    expect(changes()).toEqual([['old', 'new'], ['new']]);
    expect(faults()).toEqual([]);
  });

  it.each(['in its place', 'by renaming'])(
    'is read again when one of the same size and time comes %s',
    (how) => {
      const then = 1_700_000_000;
      writeFileSync(file, text('aaa'));
      utimesSync(file, then, then);
      open().watch();
      const target = how === 'by renaming' ? `${file}.new` : file;
      writeFileSync(target, text('bbb'));
      utimesSync(target, then, then);
      renameSync(target, file);
      clock.advance(1_000);
      expect(good('aaa', 'bbb')).toEqual(['bbb']);
    },
  );

  it('is read again when a link on the way to it leads elsewhere, as Kubernetes does it', () => {
    const folder = tempFolder();
    for (const [version, name] of [
      ['1', 'old'],
      ['2', 'new'],
    ] as const) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'keys.json'), text(name));
    }
    symlinkSync('1', join(folder, 'data'));
    file = join(folder, 'data', 'keys.json');
    open().watch();
    symlinkSync('2', join(folder, 'data.new'));
    renameSync(join(folder, 'data.new'), join(folder, 'data'));
    clock.advance(1_000);
    expect(good('old', 'new')).toEqual(['new']);
  });

  it('that is broken or gone meanwhile changes nothing, and is told once per change', () => {
    watched('a');
    rename('[{"name": "a", "key": "the-secret');
    clock.advance(3_000);
    expect(faults()).toEqual([expect.stringContaining(`"${file}" is not JSON`)]);
    expect(faults().join()).not.toContain('the-secret');
    rename('[7]');
    clock.advance(3_000);
    expect(faults().slice(1)).toEqual([expect.stringContaining(`"${file}" is not valid: 0: `)]);
    rmSync(file);
    clock.advance(3_000);
    expect(faults().slice(2)).toEqual([`"${file}" does not exist`]);
    expect(good('a')).toEqual(['a']);
    rename(text('b'));
    clock.advance(1_000);
    expect(good('a', 'b')).toEqual(['b']);
    rmSync(file);
    clock.advance(3_000);
    expect(faults().slice(3)).toEqual([`"${file}" does not exist`]);
    expect(changes()).toEqual([['b']]);
  });

  it('that comes back as it was is told again when it goes again', () => {
    watched('a');
    for (let i = 0; i < 2; i++) {
      renameSync(file, `${file}.aside`);
      clock.advance(2_000);
      renameSync(`${file}.aside`, file);
      clock.advance(2_000);
    }
    expect(faults()).toHaveLength(2);
    expect(good('a')).toEqual(['a']);
  });

  it('that has changed between its first reading and the start is read at the start', () => {
    writeFileSync(file, text('a'));
    const keyFile = open();
    rename(text('b'));
    keyFile.watch();
    expect(good('a', 'b')).toEqual(['b']);
  });

  it('is watched by one timer, and by none once it is stopped, twice or before it began', () => {
    const keyFile = watched('a');
    keyFile.watch();
    expect(clock.timers).toBe(1);
    keyFile.stop();
    keyFile.stop();
    keyFile.watch();
    expect(clock.timers).toBe(0);
    rename(text('b'));
    clock.advance(5_000);
    expect(good('a', 'b')).toEqual(['a']);
  });

  it('leaves the key alone that may do everything', () => {
    watched('a');
    rename(JSON.stringify([{ name: 'full', key: FULL, methods: ['update'] }]));
    clock.advance(1_000);
    expect(faults()).toEqual([`"${file}" is not valid: 0.key: this key is also the unrestricted apiKey`]);
    rename('[]');
    clock.advance(1_000);
    expect(good('a')).toEqual([]);
    expect(keys.find(`Bearer ${FULL}`)).toMatchObject({ name: null, methods: null, patterns: null });
  });
});
