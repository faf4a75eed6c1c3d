/**
 * How much one connection may send: so much in a turn of the event loop, so that others have theirs, and so many frames in a few
 * seconds. What is above the first waits; what is above the second closes the connection as `flooded`. A client that sends a command
 * as often as it may, or each of its subscriptions in a frame of its own, reaches neither.
 */
import type { Clock } from '../time/clock.js';

/** Cost that a connection may cause in one turn: a frame of the largest size, or some 64 small ones. */
export const TURN_COST = 64 * 1024;
/** What a frame costs beside its characters. */
export const FRAME_COST = 1_024;
/** For so long frames are counted together, in milliseconds. */
export const FRAME_WINDOW_MS = 4_000;
/** Frames that a connection may send in that time, also where commands are few. */
export const MAX_WINDOW_FRAMES = 2_000;
/** Frames beside each command that a client may give. */
const FRAMES_PER_COMMAND = 3;
/** When a client that was closed for it may come back, in milliseconds. */
export const FLOOD_PAUSE_MS = 5_000;

/** What is counted of one connection: numbers in the connection itself, since there are very many. */
export interface Counted {
  /** The turn in which it sent last, and what that cost. */
  turn: number;
  turnCost: number;
  /** The window in which it sent last, and how many frames. */
  window: number;
  windowFrames: number;
}

/** Numbers the turns of the event loop, as far as something is counted in them. */
export class Turns {
  readonly #clock: Pick<Clock, 'soon'>;
  #number = 0;
  #isOpen = false;

  constructor(clock: Pick<Clock, 'soon'>) {
    this.#clock = clock;
  }

  /** The number of this turn. */
  get now(): number {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#clock.soon(() => {
        this.#isOpen = false;
        this.#number = (this.#number + 1) % 0x3fffffff;
      });
    }
    return this.#number;
  }

  /** Runs `task` in the next turn. */
  next(task: () => void): void {
    // What was counted in this turn is over before.
    void this.now;
    this.#clock.soon(task);
  }
}

/** Counts what connections send. */
export class FrameRate {
  readonly turns: Turns;
  readonly #clock: Clock;
  readonly #maxFrames: number;

  /** @param maxCommandsPerSecond commands that a session may give in a second */
  constructor(clock: Clock, maxCommandsPerSecond: number) {
    this.#clock = clock;
    this.turns = new Turns(clock);
    const perWindow = (FRAMES_PER_COMMAND * maxCommandsPerSecond * FRAME_WINDOW_MS) / 1_000;
    this.#maxFrames = Math.max(MAX_WINDOW_FRAMES, perWindow);
  }

  /** Counts frames; false when there are more than a connection may send. */
  takes(counted: Counted, frames: number): boolean {
    const window = Math.floor(this.#clock.monotonic() / FRAME_WINDOW_MS) % 0x3fffffff;
    if (counted.window !== window) {
      counted.window = window;
      counted.windowFrames = 0;
    }
    counted.windowFrames += frames;
    return counted.windowFrames <= this.#maxFrames;
  }

  /** Whether there is room in this turn. */
  hasTurn(counted: Counted): boolean {
    const turn = this.turns.now;
    if (counted.turn !== turn) {
      counted.turn = turn;
      counted.turnCost = 0;
    }
    return counted.turnCost < TURN_COST;
  }

  /** Counts what has come in this turn. */
  spends(counted: Counted, characters: number): void {
    if (this.hasTurn(counted)) counted.turnCost += characters + FRAME_COST;
  }
}
