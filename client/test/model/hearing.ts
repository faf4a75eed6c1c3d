/**
 * What one handler of one path heard, held against what was published: from `subscribed` on every update once and in order, unless a
 * `gap` covered it.
 */
import type { Json } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';

/** One update, as it was published. */
export interface Published {
  readonly number: number;
  /** Null on a path without a log. */
  readonly position: Position | null;
}

/** What was published on each path. */
export class Press {
  readonly #paths = new Map<string, Published[]>();
  #count = 0;

  /** The number of the next update. */
  next(): number {
    return ++this.#count;
  }

  add(path: string, published: Published): void {
    const all = this.of(path);
    all.push(published);
    this.#paths.set(path, all);
  }

  of(path: string): Published[] {
    return this.#paths.get(path) ?? [];
  }
}

/** One handler from its `connect` to its `disconnect`. */
export class Hearing {
  readonly path: string;
  readonly #press: Press;
  readonly #fail: (what: string) => void;
  /** Processed so far; undefined until the path is heard. */
  #position: Position | null | undefined;
  #last = 0;
  /** On a path without a log: an interruption was announced, so that the next number may be any higher one. */
  #mayJump = true;

  constructor(path: string, press: Press, fail: (what: string) => void) {
    this.path = path;
    this.#press = press;
    this.#fail = fail;
  }

  /** The number of the newest update that was heard; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** The path is heard from here. */
  begins(position: Position | null): void {
    this.#mayJump = true;
    // Where the handler holds a position already the path goes on from there, or a gap follows.
    this.#position ??= position;
  }

  /** Updates up to `to` cannot be had. */
  gap(to: Position | null): void {
    this.#mayJump = true;
    if (to !== null) this.#position = to;
  }

  /** The path is heard no more, until `begins`. */
  ends(): void {
    this.#position = undefined;
  }

  update(number: Json, position: Position | null): void {
    if (typeof number !== 'number') return this.#wrong(`heard ${JSON.stringify(number)}`);
    if (number <= this.#last) this.#wrong(`heard ${number} after ${this.#last}`);
    const before = this.#position;
    if (before === undefined) this.#wrong(`heard ${number} before "subscribed"`);
    else if (position === null) this.#unlogged(number);
    else this.#logged(number, position, before);
    this.#last = number;
    this.#position = position;
    this.#mayJump = false;
  }

  #logged(number: number, position: Position, before: Position | null): void {
    if (before === null) return;
    if (before.epoch !== position.epoch) {
      return this.#wrong(`heard ${number} of epoch ${position.epoch} after ${before.epoch} without a gap`);
    }
    const missed = this.#press
      .of(this.path)
      .filter(
        ({ position: at }) =>
          at?.epoch === position.epoch && at.offset > before.offset && at.offset < position.offset,
      )
      .map((published) => published.number);
    if (missed.length > 0) this.#wrong(`missed ${missed} before ${number}`);
  }

  #unlogged(number: number): void {
    if (this.#mayJump) return;
    const missed = this.#press
      .of(this.path)
      .map((published) => published.number)
      .filter((other) => other > this.#last && other < number);
    if (missed.length > 0) this.#wrong(`missed ${missed} before ${number}`);
  }

  #wrong(what: string): void {
    this.#fail(`${this.path}: ${what}`);
  }
}
