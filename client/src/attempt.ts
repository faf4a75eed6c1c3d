/**
 * One transport from its opening to its end. Decodes frames, sees that the first is `opened` and comes
 * in time, answers nothing but notices silence. Tells its owner of its end exactly once, and nothing
 * after it: this is what keeps frames of an older connection out.
 */
import { CLOSE_CODES } from '../../protocol/codes.js';
import type { OpenedFrame } from '../../protocol/frames.js';
import { backgroundTimeout } from './clock.js';
import { type Decoded, decodeFrame } from './decode.js';
import type {
  Credentials,
  Environment,
  Transport,
  TransportEnd,
  TransportKind,
} from './transports/transport.js';

/** What an attempt asks of and tells its owner. */
export interface AttemptOwner {
  /** The `open` frame to send now. */
  firstFrame(attempt: Attempt): string;
  session(): Credentials;
  opened(attempt: Attempt, frame: OpenedFrame): void;
  /** A frame after `opened`; null stands for what was no frame. */
  frame(attempt: Attempt, decoded: Decoded | null): void;
  accepted(attempt: Attempt, n: number): void;
  ended(attempt: Attempt, end: TransportEnd): void;
}

/** What an attempt needs to begin. */
export interface AttemptOptions {
  readonly kind: TransportKind;
  readonly environment: Environment;
  /** How long the first frame may take, in milliseconds. */
  readonly openTimeoutMs: number;
  readonly owner: AttemptOwner;
}

/** One connection, opening or open. */
export class Attempt {
  /** The name of the transport. */
  readonly name: string;
  /** When `opened` came, by the clock; null before. */
  openedAt: number | null = null;
  readonly #options: AttemptOptions;
  #transport: Transport | null = null;
  #isOver = false;
  #timer: unknown;
  #heardAt = 0;
  #silenceMs = 0;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.name = options.kind.name;
  }

  /** Opens the transport. */
  start(): void {
    const { kind, environment, openTimeoutMs, owner } = this.#options;
    const { clock } = environment;
    this.#timer = clock.setTimeout(() => this.#end({ message: 'No answer came in time.' }), openTimeoutMs);
    const whileOn = (run: () => void): void => {
      if (this.#isOver) return;
      this.#heardAt = clock.now();
      run();
    };
    try {
      this.#transport = kind.open({
        ...environment,
        firstFrame: () => owner.firstFrame(this),
        session: () => owner.session(),
        heard: () => whileOn(() => {}),
        frame: (value) => whileOn(() => this.#frame(decodeFrame(value))),
        accepted: (n) => whileOn(() => owner.accepted(this, n)),
        ended: (end) => this.#end(end),
      });
    } catch (error) {
      // A constructor that throws (mixed content, a blocked port): told later, as all other ends are.
      queueMicrotask(() => this.#end({ message: String(error) }));
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
    this.#options.environment.clock.clearTimeout(this.#timer);
    this.#transport?.close(farewell);
  }

  /** Ends the connection if nothing was heard for too long: timers sleep when machines do. */
  checkSilence(): void {
    if (this.#isOver || this.openedAt === null) return;
    const { clock } = this.#options.environment;
    clock.clearTimeout(this.#timer);
    const left = this.#heardAt + this.#silenceMs - clock.now();
    if (left <= 0) this.#end({ message: 'Nothing was heard for two ping intervals.' });
    else this.#timer = backgroundTimeout(clock, () => this.checkSilence(), left);
  }

  #frame(decoded: Decoded | null): void {
    if (decoded?.kind === 'control' && decoded.frame.type === 'closing') return this.#end(decoded.frame);
    if (this.openedAt !== null) return this.#options.owner.frame(this, decoded);
    if (decoded?.kind !== 'control') return this.#end({ message: 'The first frame was none of Dobby.' });
    const { frame } = decoded;
    if (frame.type === 'opened') return this.#opened(frame);
    // Before `opened` an error ends the connection; `closing` says with which code, if it follows.
    if (frame.type === 'error' && frame.code === 'bad_ticket')
      this.#end({ ...frame, code: CLOSE_CODES.ticket_refused });
  }

  #opened(frame: OpenedFrame): void {
    this.openedAt = this.#heardAt;
    this.#silenceMs = 2 * Math.max(frame.pingIntervalMs, 1_000);
    this.checkSilence();
    this.#options.owner.opened(this, frame);
  }

  #end(end: TransportEnd & { readonly type?: string }): void {
    if (this.#isOver) return;
    this.close();
    const answered = end.type === undefined ? {} : { answered: true };
    this.#options.owner.ended(this, { ...end, ...answered });
  }
}
