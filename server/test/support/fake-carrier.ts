/** A transport without a socket: it records what it is given, and takes no more when a test says so. */
import type { ClosingFrame, DownFrame } from '../../../protocol/frames.js';
import type { Carrier, TransportName } from '../../src/core/session/connection.js';
import { type Encoding, textFraming } from '../../src/core/wire/encoding.js';
import { Frame } from '../../src/core/wire/frame.js';
import { DOBBY } from '../../src/transports/dobby-dialect.js';

/** One frame a line. */
export const LINES: Encoding = {
  writer: DOBBY,
  framing: textFraming((text) => `${text}\n`),
};

/** A frame to many that says just this. */
export const frameOf = (json: string): Frame =>
  Frame.shared({ type: 'feature', content: { type: 'test', json } });

export interface FakeCarrierOptions {
  readonly transport?: TransportName;
  readonly address?: string;
  readonly isBlocked?: boolean;
  readonly isPinged?: boolean;
  /** By default long-polls are. */
  readonly isPolled?: boolean;
  readonly isRaw?: boolean;
}

export class FakeCarrier implements Carrier {
  readonly encoding = LINES;
  readonly address: string;
  readonly transport: TransportName;
  readonly isBlocked: boolean;
  readonly isPinged: boolean;
  readonly isPolled: boolean;
  readonly isRaw: boolean;
  /** Every write: how many frames it was said to hold, and its bytes. */
  readonly writes: { readonly frames: number; readonly bytes: Buffer }[] = [];
  /** How it was ended; null while it was not. */
  closing: ClosingFrame | null = null;
  ends = 0;
  keptAlive = 0;
  /** Set it to let the socket take nothing more after the next write. */
  isFull = false;
  taken = 0;
  readonly #frames: DownFrame[] = [];

  constructor(options: FakeCarrierOptions = {}) {
    this.address = options.address ?? '192.0.2.1';
    this.transport = options.transport ?? 'websocket';
    this.isBlocked = options.isBlocked ?? false;
    this.isPinged = options.isPinged ?? true;
    this.isPolled = options.isPolled ?? this.transport === 'long-poll';
    this.isRaw = options.isRaw ?? false;
  }

  write(bytes: Buffer, frames: number): boolean {
    this.writes.push({ frames, bytes });
    const lines = bytes.toString().split('\n');
    if (lines.pop() !== '') throw new Error('a frame was cut');
    if (lines.length !== frames) throw new Error(`${lines.length} frames were written as ${frames}`);
    this.#frames.push(...lines.map((line) => JSON.parse(line) as DownFrame));
    if (!this.isFull) this.taken += bytes.length;
    return !this.isFull;
  }

  /** The frames that were written since the last call. */
  take(): DownFrame[] {
    return this.#frames.splice(0);
  }

  /** The next `count` frames, fewer when there are fewer. */
  takeSome(count: number): DownFrame[] {
    return this.#frames.splice(0, count);
  }

  keepAlive(): void {
    this.keptAlive++;
  }

  end(closing: ClosingFrame): void {
    this.ends++;
    this.closing = closing;
  }

  bytesTaken(): number {
    return this.taken;
  }
}
