/**
 * Writes the text of a handoff in the order of its format, and checks the time left before each record. Collects
 * nothing before writing: any client can cause very many subscriptions.
 */
import { crc32 } from 'node:zlib';
import type { PathSnapshot } from '../../core/log/path-snapshot.js';
import type { LogEntry } from '../../core/log/update.js';
import type { SessionSnapshot } from '../../core/session/session-snapshot.js';
import {
  aboutLine,
  CHUNK_BYTES,
  type Handoff,
  NEWLINE,
  UPDATE_END,
  UPDATE_START,
  VERSION,
} from './format.js';

/** Bytes of UTF-8 for one unit of UTF-16. */
const MOST_BYTES_A_UNIT = 3;
/** Updates written between two checks of the time. */
const STRIDE = 256;

/** The records that were left out for lack of time. */
export interface LeftOut {
  /** Paths with updates. */
  paths: number;
  requests: number;
  sessions: number;
  /** Updates of logs. */
  updates: number;
}

export class HandoffWriter {
  readonly leftOut: LeftOut = { paths: 0, requests: 0, sessions: 0, updates: 0 };
  readonly #handoff: Handoff;
  readonly #timeLeftMs: () => number;
  /** Reused for every piece: touching 256 MB of new memory takes longer than filling it. */
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #lines = 0;
  #crc = 0;
  #about = '';

  /** `timeLeftMs` only falls; at 0 nothing more is written. */
  constructor(handoff: Handoff, timeLeftMs: () => number) {
    this.#handoff = handoff;
    this.#timeLeftMs = timeLeftMs;
  }

  /** Returns the text in pieces; a piece is valid until the next one is read. */
  *chunks(): Generator<Buffer> {
    for (const line of this.#text()) {
      if (!this.#fits(line)) {
        yield this.#flush();
        if (!this.#fits(line)) this.#chunk = Buffer.allocUnsafe(line.length * MOST_BYTES_A_UNIT + 1);
      }
      this.#used += this.#chunk.write(line, this.#used);
      this.#chunk[this.#used++] = NEWLINE;
      this.#lines++;
    }
    yield this.#flush();
    const isCut = this.leftOut.paths > 0 && { isCut: true };
    yield Buffer.from(`${JSON.stringify({ lines: this.#lines, crc32: this.#crc, ...isCut })}\n`);
  }

  /** Returns the lines before the trailer. */
  *#text(): Generator<string> {
    const { at, backBy, areStatesLost, requests, sessions, paths, unused = [] } = this.#handoff;
    const lost = areStatesLost && { areStatesLost };
    yield JSON.stringify({ dobby: 'handoff', version: VERSION, at, backBy, ...lost });
    for (const path of paths) if (path.state.length > 0) yield* this.#path(path);
    for (const path of paths) if (path.state.length === 0) yield* this.#path(path);
    for (const request of requests) {
      if (this.#timeLeftMs() <= 0) this.leftOut.requests++;
      else yield JSON.stringify({ request });
    }
    const waiting = sessions[Symbol.iterator]();
    // Any client can open sessions: they leave time for the logs.
    yield* this.#sessions(waiting, this.#timeLeftMs() / 2);
    for (const path of paths) yield* this.#log(path);
    yield* this.#sessions(waiting, 0);
    // Worth little: without it a client at the beginning of the path gets one gap.
    for (const path of unused) {
      if (this.#timeLeftMs() <= 0) break;
      yield* this.#path(path);
    }
    while (waiting.next().done !== true) this.leftOut.sessions++;
  }

  /** Writes a path completely: a head without its state would hide the loss, and a log needs its head. */
  *#path({ path, head, usedAt, state, isPartial }: PathSnapshot): Generator<string> {
    if (this.#timeLeftMs() <= 0) {
      this.leftOut.paths++;
      return;
    }
    yield JSON.stringify({ head, path, usedAt, keys: state.length, ...(isPartial && { isPartial }) });
    for (const { key, offset, text: message } of state) {
      yield JSON.stringify({ key, offset });
      yield message;
    }
  }

  *#sessions(waiting: Iterator<SessionSnapshot>, untilMs: number): Generator<string> {
    while (this.#timeLeftMs() > untilMs) {
      const next = waiting.next();
      if (next.done === true) return;
      yield JSON.stringify({ session: next.value });
    }
  }

  *#log({ path, entries }: PathSnapshot): Generator<string> {
    for (let left = entries.length; left > 0; left--) {
      // Checked for the first entry of each path too: there may be very many paths.
      if ((entries.length - left) % STRIDE === 0 && this.#timeLeftMs() <= 0) {
        this.leftOut.updates += left;
        return;
      }
      if (left === entries.length) yield JSON.stringify({ log: path });
      const entry = entries[left - 1] as LogEntry;
      const about = aboutLine(entry);
      if (about !== this.#about) yield about;
      this.#about = about;
      yield `${UPDATE_START}${entry.text}${UPDATE_END}`;
    }
  }

  #fits(line: string): boolean {
    return line.length * MOST_BYTES_A_UNIT < this.#chunk.length - this.#used;
  }

  #flush(): Buffer {
    const bytes = this.#chunk.subarray(0, this.#used);
    this.#crc = crc32(bytes, this.#crc);
    this.#used = 0;
    return bytes;
  }
}
