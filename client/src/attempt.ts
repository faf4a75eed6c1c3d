/**
 * One transport from its opening to its end. Decodes frames, sees that the first is `opened` and comes
 * in time, and notices silence. Tells its owner of its end exactly once, and nothing after it: this is
 * what keeps frames of an older connection out.
 */
import type { OpenedFrame } from '../../protocol/frames.js';
import { TICKET_REFUSED } from './close-codes.js';
import { decodeFrame } from './decode.js';
import type { Decoded } from './frames.js';
import type { Settings } from './options.js';
import {
  type Environment,
  probeFrame,
  type Transport,
  type TransportContext,
  type TransportEnd,
  type TransportKind,
} from './transports/transport.js';

/** What an attempt asks of and tells its owner; functions that need no `this`. */
export interface AttemptOwner extends Omit<TransportContext, keyof Environment | 'heard' | 'frame'> {
  /** Done before the transport opens, which waits for it. Rejects with a TransportEnd: then the opening has failed. */
  prepare(): Promise<void>;
  opened(frame: OpenedFrame): void;
  /** A frame after `opened`; null stands for what was no frame. */
  frame(decoded: Decoded | null): void;
}

/** The message for an answer that is no frame of the protocol. */
export const NO_FRAME = 'Dobby sent no frame';

/** One connection, opening or open. */
export class Attempt {
  declare readonly kind: TransportKind;
  /** Whether all was ready, so that a failure is one of the transport. */
  isPrepared = false;
  /** Whether the `open` frame has been sent: Dobby may have received it, or still may. */
  hasAsked = false;
  /** When `opened` came, by the clock; null before. */
  openedAt: number | null = null;
  readonly #settings: Settings;
  readonly #owner: AttemptOwner;
  #transport: Transport | null = null;
  #isOver = false;
  #timer: unknown;
  #heardAt = 0;
  #silenceMs = 0;
  /** When a sign of life that was asked for is overdue; Infinity when none is awaited. */
  #lifeBy = Infinity;

  constructor(kind: TransportKind, settings: Settings, owner: AttemptOwner) {
    this.kind = kind;
    this.#settings = settings;
    this.#owner = owner;
  }

  /** Opens the transport, not before this tick is over: features are added in the one in which a Pomona is made. */
  async start(): Promise<void> {
    const { clock, openTimeoutMs } = this.#settings;
    const whileOn = (run?: () => void): void => {
      if (this.#isOver) return;
      this.#heardAt = clock.now();
      this.#lifeBy = Infinity;
      run?.();
    };
    try {
      await null;
      await this.#owner.prepare();
      if (this.#isOver) return;
      this.isPrepared = true;
      this.#timer = clock.setTimeout(() => this.#end({ message: 'No answer in time' }), openTimeoutMs);
      this.#transport = this.kind.open({
        ...this.#settings,
        ...this.#owner,
        firstFrame: () => {
          this.hasAsked = true;
          return this.#owner.firstFrame();
        },
        heard: () => whileOn(),
        frame: (value) => whileOn(() => this.#frame(decodeFrame(value))),
        accepted: (n) => whileOn(() => this.#owner.accepted(n)),
        ended: (end) => this.#end(end),
      });
    } catch (error) {
      // Also what a constructor throws (mixed content, a blocked port).
      this.#end(error as TransportEnd);
    }
  }

  /** Sends encoded frames. */
  send(frames: readonly string[]): void {
    this.#transport?.send(frames);
  }

  /** Ends at once; the owner is not told. */
  close(farewell = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#settings.clock.clearTimeout(this.#timer);
    this.#transport?.close(farewell && this.openedAt !== null);
  }

  /** Asks for a sign of life on a connection that is open: a connection may have died while its timers slept. */
  verify(): void {
    if (this.#lifeBy < Infinity) return;
    const { clock, openTimeoutMs } = this.#settings;
    this.#lifeBy = clock.now() + openTimeoutMs;
    this.send([probeFrame(1)]);
    this.#checkSilence();
  }

  /** Ends the connection if nothing was heard for too long. */
  #checkSilence(): void {
    if (this.#isOver) return;
    const { clock } = this.#settings;
    clock.clearTimeout(this.#timer);
    const left = Math.min(this.#heardAt + this.#silenceMs, this.#lifeBy) - clock.now();
    if (left <= 0) this.#end({ message: 'Nothing was heard', isSilent: true });
    else this.#timer = clock.setTimeout(() => this.#checkSilence(), left);
  }

  #frame(frame: Decoded | null): void {
    if (frame?.type === 'closing') this.#end(frame);
    else if (this.openedAt !== null) this.#owner.frame(frame);
    else if (frame?.type === 'opened') this.#opened(frame);
    else if (frame?.type !== 'error') this.#end({ message: NO_FRAME });
    else {
      // An error ends the opening; `closing` follows and says with which code, except after this one.
      const { code, message } = frame;
      if (code === 'bad_ticket') this.#end({ message, error: code, code: TICKET_REFUSED });
    }
  }

  #opened(frame: OpenedFrame): void {
    this.openedAt = this.#heardAt;
    this.#silenceMs = 2 * Math.max(frame.pingIntervalMs, 1_000);
    this.#checkSilence();
    this.#owner.opened(frame);
  }

  #end(end: TransportEnd): void {
    if (this.#isOver) return;
    this.close();
    this.#owner.ended(end);
  }
}
