/** The server's end of a WebSocket: what server/src/transports/websocket.ts does, without the handshake and the bytes of RFC 6455. */
import type { ClosingFrame, DownFrame, OpenFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { isPromise } from '../../../server/src/core/data/maybe-promise.js';
import { type Carrier, closingFrame } from '../../../server/src/core/session/connection.js';
import type { SessionConnection } from '../../../server/src/core/session/session.js';
import type { WheelTimer } from '../../../server/src/core/time/timer-wheel.js';
import { type Decoded, decodeJson, decodeOpen } from '../../../server/src/transports/decode.js';
import { DOBBY } from '../../../server/src/transports/dobby-dialect.js';
import { receiveText } from '../../../server/src/transports/inbound.js';
import { type Opened, opening } from '../../../server/src/transports/opening.js';
import type { Probe } from '../../../server/src/transports/probes.js';
import type { TransportOptions } from '../../../server/src/transports/transport-options.js';
import { LINES } from '../../../server/test/support/fake-carrier.js';

/** Where frames go. */
export interface SocketSink {
  text(text: string): void;
  closed(code: number, reason: string): void;
}

/** One WebSocket. */
export class ServerSocket implements Carrier {
  readonly encoding: Carrier['encoding'] = LINES;
  readonly transport = 'websocket';
  readonly address = '192.0.2.1';
  readonly isPolled = false;
  readonly isBlocked = false;
  readonly isPinged = true;
  readonly isRaw = false;
  readonly #parts: TransportOptions;
  readonly #sink: SocketSink;
  #connection: SessionConnection | null = null;
  #waiting: WheelTimer | null;
  #probe: Probe | null = null;
  #isOver = false;
  #taken = 0;

  constructor(parts: TransportOptions, sink: SocketSink) {
    this.#parts = parts;
    this.#sink = sink;
    this.#waiting = parts.wheel.after(LIMITS.openMs, () => this.#refuse(closingFrame('open_timeout')));
  }

  /** A message has come. */
  receive(text: string): void {
    if (this.#isOver) return;
    if (this.#connection === null) this.#open(text);
    else receiveText({ ...this.#parts, dialect: DOBBY }, this.#connection, text);
  }

  /** The client has closed it, or the connection was cut. */
  lost(): void {
    this.#isOver = true;
    this.#waiting?.cancel();
    this.#endProbe();
    this.#connection?.lost();
  }

  write(bytes: Buffer): boolean {
    this.#taken += bytes.length;
    for (const line of bytes.toString().split('\n')) if (line !== '') this.#sink.text(line);
    return true;
  }

  bytesTaken(): number {
    return this.#taken;
  }

  keepAlive(): void {}

  end(closing: ClosingFrame): void {
    this.#isOver = true;
    this.#waiting?.cancel();
    this.#endProbe();
    this.#sink.closed(closing.code, closing.message);
  }

  #open(text: string): void {
    const json = decodeJson(text);
    const decoded = 'error' in json ? json : decodeOpen(json.value, this.#parts.sessions.features);
    if ('value' in decoded && decoded.value.type === 'probe') return this.#answerProbe(decoded.value.step);
    this.#endProbe();
    this.#waiting?.cancel();
    const opened = opening(this.#parts, decoded as Decoded<OpenFrame>, this);
    if (isPromise(opened)) throw new Error('the model has no view that is asked who comes');
    this.#opened(opened);
  }

  #opened(opened: Opened): void {
    if (!('closing' in opened)) {
      this.#connection = opened.connection;
      return;
    }
    this.#say({ type: 'error', ...opened.error });
    this.#refuse(opened.closing);
  }

  #answerProbe(step: 1 | 2): void {
    if (this.#probe === null) {
      this.#probe = this.#parts.probes.begin(this.address);
      if (this.#probe === null) return this.#refuse(closingFrame('busy', { error: 'too_many_probes' }));
      this.#waiting?.cancel();
      this.#waiting = this.#parts.wheel.after(LIMITS.probeMs, () =>
        this.#refuse(closingFrame('open_timeout')),
      );
    }
    this.#probe.answer({ type: 'probe', step }, (answer) => this.#say(answer));
  }

  #endProbe(): void {
    this.#probe?.end();
    this.#probe = null;
  }

  #refuse(closing: ClosingFrame): void {
    this.#say(closing);
    this.end(closing);
  }

  #say(frame: DownFrame): void {
    this.#sink.text(JSON.stringify(frame));
  }
}
