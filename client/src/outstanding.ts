/**
 * The numbered frames that the server may not have received. They are kept until a number at or above theirs is known to
 * have taken effect, or the connection that carried them is replaced. Nothing is sent again from here: the `open` frame
 * names the wanted paths anew, and senders of other frames decide when `opened` comes. A number that took no effect may be
 * given anew: the server discards what older connections send.
 */
import type { SubscribeItem } from '../../protocol/frames.js';
import type { LIMITS } from '../../protocol/limits.js';
import { utf8Length } from '../../protocol/paths.js';

/** A frame that is going to be numbered. */
export interface Numberable {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The most that is kept; beyond it `isFull` and whoever sends waits. */
export const MAX_FRAMES = 1_000;
const MAX_CHARACTERS = 1024 * 1024;
const TOKENS_PER_FRAME = 100 satisfies (typeof LIMITS)['tokensPerFrame'];

/** What is on its way to the server. */
export class Outstanding {
  #frames: { readonly n: number; readonly frame: Numberable; readonly text: string }[] = [];
  #last = 0;

  /** Whether nothing should be added until something was received. */
  get isFull(): boolean {
    const characters = this.#frames.reduce((sum, { text }) => sum + text.length, 0);
    return this.#frames.length >= MAX_FRAMES || characters >= MAX_CHARACTERS;
  }

  /** Numbers a frame, keeps it, and returns how it is sent. */
  add(frame: Numberable): { readonly n: number; readonly text: string } {
    const n = ++this.#last;
    const text = JSON.stringify({ ...frame, n });
    this.#frames.push({ n, frame, text });
    return { n, text };
  }

  /** The frame of this number, while it is kept. */
  find(n: number | undefined): Numberable | undefined {
    return this.#frames.find((kept) => kept.n === n)?.frame;
  }

  /** Everything up to `n` took effect. */
  acknowledge(n: number): void {
    this.#frames = this.#frames.filter((kept) => kept.n > n);
  }

  /** Another connection has opened: numbers go on after `received`, and what older ones carried is forgotten. */
  restart(received: number): void {
    this.#last = received;
    this.#frames = [];
  }
}

/** Divides a list so that each part is at most `maxBytes` long as JSON, with no more tokens than a frame may carry. */
export function pack<T>(items: readonly T[], maxBytes: number): T[][] {
  const parts: T[][] = [];
  let bytes = maxBytes;
  for (const item of items) {
    const least = (item as Partial<SubscribeItem>).token ? maxBytes / TOKENS_PER_FRAME : 0;
    const size = Math.max(utf8Length(JSON.stringify(item)) + 1, least);
    if (bytes + size > maxBytes) {
      parts.push([]);
      bytes = 0;
    }
    bytes += size;
    parts.at(-1)?.push(item);
  }
  return parts;
}
