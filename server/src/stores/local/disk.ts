/**
 * The store on disk: a LevelDB in the state folder. One batch is written at a time and takes all that came meanwhile.
 * So a write is atomic, writes take effect in their order, and a busy server pays for few of them. After a failure
 * nothing is accepted until the store was closed and opened again; then the number of the last batch says whether the
 * failed one is there after all.
 */
import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { ClassicLevel } from 'classic-level';
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import { StateFolderError } from '../state-folder/state-folder.js';

/** What is written. */
export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string };

/** Operations that are stored together, and what follows. */
export interface Write {
  readonly operations: readonly Operation[];
  /** Called when they are stored, in the order of the writes; also after `refused`, if they turn out to be stored. */
  stored(): void;
  /** Called when it is not known whether they are stored, or they are not. */
  refused(error: unknown): void;
  /** Called when they are certainly not stored. */
  dropped(): void;
}

/** What an opening has found. */
export interface Found {
  /** Whether updates that clients know of may be lost: positions must not be given again. */
  readonly mayHaveLost: boolean;
  /** Whether the store begins empty, in place of a damaged or missing one. */
  readonly isNew: boolean;
}

/** Options of a `Disk`. */
export interface DiskOptions {
  /** A folder of its own; made if it is missing. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a write is acknowledged only when the disk has it. By default, when the operating system has it. */
  readonly isSynced?: boolean;
  /** Names the time since the machine has started; tests set it. */
  readonly bootId?: string;
}

/** The layout of keys and values; a later version reads it. */
const VERSION = 1;
const META_KEY = 'm';
const BATCH_KEY = 'b';
/** How long an opening waits for another server to close the store. */
const LOCK_WAIT_MS = 5_000;
const LOCK_LOOK_MS = 50;
/** The pauses between two tries to open the store again after a failed write. */
const REOPEN_MS = [0, 250, 1_000, 2_000];
/** Operations of one batch. */
const MAX_BATCH = 10_000;
const BUFFER_BYTES = 16 * 1024 * 1024;

interface Meta {
  readonly version: number;
  readonly bootId: string;
  /** When the file that each opening makes was made: a copy of the folder has another time. */
  readonly madeAt: number | null;
  readonly isClean: boolean;
}

export class Disk {
  readonly #options: DiskOptions;
  /** Made by `open`: it opens by itself as soon as it is made. */
  #made: ClassicLevel | null = null;
  #waiting: Write[] = [];
  #writing: Promise<void> | null = null;
  #batches = 0;
  #state: 'closed' | 'open' | 'broken' = 'closed';
  #failure: unknown = new Error('the store is not open');

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  get #level(): ClassicLevel {
    this.#made ??= new ClassicLevel(this.#options.folder, { writeBufferSize: BUFFER_BYTES });
    return this.#made;
  }

  /**
   * Opens the store. A damaged one is set aside, and an empty one takes its place.
   *
   * @throws StateFolderError when another server has it, or it has a later version
   */
  async open(): Promise<Found> {
    const { folder, log } = this.#options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const madeAt = madeAtOf(folder);
    const isDamaged = !(await this.#openLevel());
    if (isDamaged) {
      const aside = `${folder}.damaged-${Date.now()}`;
      renameSync(folder, aside);
      mkdirSync(folder, { mode: 0o700 });
      log.error({ aside }, 'the store is damaged and was set aside: the server begins with an empty one');
      this.#made = null;
      await this.#level.open();
    }
    const meta = isDamaged ? null : this.#readMeta();
    this.#batches = Number(this.#level.getSync(BATCH_KEY) ?? 0);
    const isCopy = meta !== null && meta.madeAt !== madeAt;
    const isOtherBoot = meta !== null && !meta.isClean && meta.bootId !== this.#bootId;
    if (isCopy) log.warn({}, 'the store is a copy: all paths get new epochs');
    else if (isOtherBoot && !this.#options.isSynced)
      log.warn({}, 'the machine has stopped without the server: all paths get new epochs');
    this.#state = 'open';
    return { mayHaveLost: isCopy || (isOtherBoot && !this.#options.isSynced), isNew: meta === null };
  }

  /** Notes that a server uses the store: called when what an opening has found was dealt with, and before any update. */
  begin(): Promise<void> {
    return this.#writeMeta(false);
  }

  /** Opens the database; false when it is damaged. Waits a moment for another server to close it. */
  async #openLevel(): Promise<boolean> {
    const { clock, folder } = this.#options;
    const deadline = clock.monotonic() + LOCK_WAIT_MS;
    for (;;) {
      try {
        await this.#level.open();
        return true;
      } catch (error) {
        const { code } = ((error as Error).cause ?? error) as { code?: string };
        if (code === 'LEVEL_CORRUPTION') return false;
        if (code !== 'LEVEL_LOCKED')
          throw new StateFolderError(`The store in ${folder} cannot be opened: ${reason(error)}`);
        if (clock.monotonic() >= deadline)
          throw new StateFolderError(
            `Another server uses the state folder: ${folder} is locked. Stop it, or set "stateDir".`,
          );
        await new Promise<void>((resolve) => clock.after(LOCK_LOOK_MS, resolve));
      }
    }
  }

  #readMeta(): Meta | null {
    const text = this.#level.getSync(META_KEY);
    if (text === undefined) return null;
    const meta = JSON.parse(text) as Meta;
    if (meta.version <= VERSION) return meta;
    throw new StateFolderError(
      `The store in ${this.#options.folder} has version ${meta.version}; this server reads up to ${VERSION}. Start the newer server.`,
    );
  }

  async #writeMeta(isClean: boolean): Promise<void> {
    const meta: Meta = {
      ...{ version: VERSION, bootId: this.#bootId, isClean },
      madeAt: madeAtOf(this.#options.folder),
    };
    await this.#level.put(META_KEY, JSON.stringify(meta), { sync: true });
  }

  get #bootId(): string {
    return this.#options.bootId ?? bootIdOf();
  }

  /** Returns a value, or undefined. */
  get(key: string): string | undefined {
    return this.#level.getSync(key);
  }

  /** Returns all keys that begin with a prefix and their values, in the order of the keys. */
  entries(prefix: string): AsyncIterable<[string, string]> {
    // No key has a higher character than U+FFFF in UTF-8 order after the prefix, except astral ones: `\u{10ffff}`.
    return this.#level.iterator({ gte: prefix, lt: `${prefix}\u{10ffff}`, highWaterMarkBytes: 1024 * 1024 });
  }

  /** Stores operations together. */
  write(write: Write): void {
    if (this.#state !== 'open') {
      write.refused(this.#failure);
      write.dropped();
      return;
    }
    this.#waiting.push(write);
    this.#writing ??= this.#writeAll();
  }

  /** Stores operations; resolves when they are stored. */
  store(operations: readonly Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.write({ operations, stored: resolve, refused: reject, dropped: () => undefined });
    });
  }

  async #writeAll(): Promise<void> {
    // What is written in this turn shares the first batch.
    await null;
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      const operations = batch.flatMap((write) => write.operations) as Operation[];
      operations.push({ type: 'put', key: BATCH_KEY, value: String(++this.#batches) });
      try {
        await this.#level.batch(operations, { sync: this.#options.isSynced === true });
      } catch (error) {
        this.#fail(batch, error);
        break;
      }
      for (const { stored } of batch) stored();
    }
    this.#writing = null;
  }

  #take(): Write[] {
    let count = 0;
    let operations = 0;
    while (count < this.#waiting.length && operations < MAX_BATCH)
      operations += (this.#waiting[count++] as Write).operations.length;
    return this.#waiting.splice(0, count);
  }

  #fail(batch: Write[], error: unknown): void {
    this.#options.log.error({ error: reason(error) }, 'the store cannot be written');
    this.#state = 'broken';
    this.#failure = error;
    const waiting = this.#waiting.splice(0);
    for (const write of [...batch, ...waiting]) write.refused(error);
    for (const write of waiting) write.dropped();
    void this.#reopen(batch);
  }

  async #reopen(batch: readonly Write[]): Promise<void> {
    const { clock, log } = this.#options;
    for (let tries = 0; this.#state === 'broken'; tries++) {
      const waitMs = REOPEN_MS[Math.min(tries, REOPEN_MS.length - 1)] as number;
      await new Promise<void>((resolve) => clock.after(waitMs, resolve));
      if (this.#state !== 'broken') return;
      try {
        await this.#level.close();
        await this.#level.open();
        const stored = Number(this.#level.getSync(BATCH_KEY) ?? 0);
        const isStored = stored === this.#batches;
        this.#batches = stored;
        // Whether it takes writes again: the meta record has to be written anyway, since the file is new.
        await this.#writeMeta(false);
        this.#state = 'open';
        for (const write of batch) isStored ? write.stored() : write.dropped();
        log.info({}, 'the store is written again');
        return;
      } catch (error) {
        this.#failure = error;
      }
    }
  }

  /** Closes the store after the last write. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    while (this.#writing !== null) await this.#writing;
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    try {
      if (wasOpen) await this.#writeMeta(true);
    } finally {
      await this.#level.close();
    }
  }
}

const reason = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : String(message ?? error);
};

/** Returns when the file was made that every opening makes anew; null where there is none. */
function madeAtOf(folder: string): number | null {
  return statSync(`${folder}/CURRENT`, { throwIfNoEntry: false })?.birthtimeMs ?? null;
}

/** Returns what names the time since the machine has started; empty where the system has no such name. */
function bootIdOf(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
