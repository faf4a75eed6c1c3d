/**
 * Limits what one connection may send: a cost per turn of the event loop, and a number of frames per 4 s. Frames beyond
 * the first bound wait for the next turn; the second closes the connection as `flooded`. A client that uses all of its
 * allowed commands, or subscribes to each path in its own frame, exceeds neither.
 */
import type { Clock } from '../time/clock.js';

/** The cost of one connection in one turn: one frame of the largest size, or some 64 small ones. */
export const TURN_COST = 64 * 1024;
/** The cost of a frame in addition to its characters. */
export const FRAME_COST = 1_024;
/** The window in which frames are counted, in milliseconds. */
export const FRAME_WINDOW_MS = 4_000;
/** The least bound of frames per window, whatever the bound of commands. */
export const MAX_WINDOW_FRAMES = 2_000;
/** Frames allowed for each command that a client may send. */
const FRAMES_PER_COMMAND = 3;
/** The pause before a flooding client may reconnect, in milliseconds. */
export const FLOOD_PAUSE_MS = 5_000;

/** The counters of one connection, stored in the connection itself to save memory. */
export interface Counted {
  /** The turn of its last frame, and the cost in that turn. */
  turn: number;
  turnCost: number;
  /** The window of its last frame, and the frames in that window. */
  window: number;
  windowFrames: number;
}

/** Numbers the turns of the event loop in which it is used. */
export class Turns {
  readonly #clock: Pick<Clock, 'soon'>;
  #number = 0;
  #isOpen = false;

  constructor(clock: Pick<Clock, 'soon'>) {
    this.#clock = clock;
  }

  /** Returns the number of this turn. */
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
    // Schedules the end of this turn before `task`.
    void this.now;
    this.#clock.soon(task);
  }
}

/** Counts the frames and the cost of connections. */
export class FrameRate {
  readonly turns: Turns;
  readonly #clock: Clock;
  readonly #maxFrames: number;

  /** @param maxCommandsPerSecond commands that a session may send per second */
  constructor(clock: Clock, maxCommandsPerSecond: number) {
    this.#clock = clock;
    this.turns = new Turns(clock);
    const perWindow = (FRAMES_PER_COMMAND * maxCommandsPerSecond * FRAME_WINDOW_MS) / 1_000;
    this.#maxFrames = Math.max(MAX_WINDOW_FRAMES, perWindow);
  }

  /** Counts frames; returns false when the connection exceeds its bound. */
  takes(counted: Counted, frames: number): boolean {
    const window = Math.floor(this.#clock.monotonic() / FRAME_WINDOW_MS) % 0x3fffffff;
    if (counted.window !== window) {
      counted.window = window;
      counted.windowFrames = 0;
    }
    counted.windowFrames += frames;
    return counted.windowFrames <= this.#maxFrames;
  }

  /** Returns whether the connection may still send in this turn. */
  hasTurn(counted: Counted): boolean {
    const turn = this.turns.now;
    if (counted.turn !== turn) {
      counted.turn = turn;
      counted.turnCost = 0;
    }
    return counted.turnCost < TURN_COST;
  }

  /** Adds the cost of a frame to this turn. */
  spends(counted: Counted, characters: number): void {
    if (this.hasTurn(counted)) counted.turnCost += characters + FRAME_COST;
  }
}
