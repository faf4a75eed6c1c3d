/**
 * The numbered frames that the server may not have received. They are kept, encoded, until a number at
 * or above theirs is known to have taken effect; after a resume they are sent again. A number that took
 * no effect may be given anew: the server discards what older connections send.
 */

/** A frame that is going to be numbered. */
export interface Numberable {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A frame on its way. */
export interface NumberedFrame {
  readonly n: number;
  readonly frame: Numberable;
  readonly text: string;
}

/** The most that is kept; beyond it `isFull` and whoever sends waits. */
export const MAX_FRAMES = 1_000;
const MAX_CHARACTERS = 1024 * 1024;

const numbered = (n: number, frame: Numberable): NumberedFrame => ({
  n,
  frame,
  text: JSON.stringify({ ...frame, n }),
});

/** What is on its way to the server. */
export class Outstanding {
  #frames: NumberedFrame[] = [];
  #last = 0;

  /** Whether nothing should be added until something was received. */
  get isFull(): boolean {
    const characters = this.#frames.reduce((sum, { text }) => sum + text.length, 0);
    return this.#frames.length >= MAX_FRAMES || characters >= MAX_CHARACTERS;
  }

  /** Numbers a frame and keeps it. */
  add(frame: Numberable): NumberedFrame {
    const added = numbered(++this.#last, frame);
    this.#frames.push(added);
    return added;
  }

  /** The frame of this number, while it is kept. */
  find(n: number | undefined): Numberable | undefined {
    return this.#frames.find((kept) => kept.n === n)?.frame;
  }

  /** Everything up to `n` took effect. */
  acknowledge(n: number): void {
    this.#frames = this.#frames.filter((kept) => kept.n > n);
  }

  /**
   * A connection has opened: numbers go on after `received`. Returns what is to be sent again: in a
   * resumed session what was not received, and of it only what `isMeaningful` still.
   */
  restart(
    received: number,
    isResumed: boolean,
    isMeaningful: (frame: Numberable) => boolean,
  ): NumberedFrame[] {
    if (isResumed) this.acknowledge(received);
    this.#last = received;
    this.#frames = this.#frames
      .filter(({ frame }) => isMeaningful(frame))
      .map(({ frame }) => numbered(++this.#last, frame));
    return this.#frames;
  }
}
