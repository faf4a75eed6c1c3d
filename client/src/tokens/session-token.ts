/** The token of the session: in every `open`, and renewed while it is open. It goes into frames and nowhere else. */
import type { ErrorFrame } from '../../../protocol/frames.js';
import { KICKED, TOKEN_REFUSED } from '../close-codes.js';
import type { TransportEnd } from '../transports/transport.js';
import { isRefusal, Token } from './token.js';

/** The token of one Pomona's session. */
export class SessionToken extends Token {
  /** The number of the frame that carries a new one; 0 when none is on its way. */
  #n = 0;

  /** For an `open` frame. Rejects with a TransportEnd. */
  async forOpening(): Promise<string | null | undefined> {
    try {
      if (this.needs || this.dueAt <= this.now) await this.ask();
    } catch (cause) {
      throw Object.assign(new Error(told(cause), { cause }), { error: 'token_failed' });
    }
    return this.value;
  }

  /** A connection has opened with it, or a new one was taken on the connection that there is. */
  override taken(expiresInMs: unknown): void {
    this.#n = 0;
    super.taken(expiresInMs);
    this.core.arm();
  }

  /** A connection has ended; perhaps another token is needed for the next. */
  ended({ code, error = '' }: TransportEnd): void {
    if (code === TOKEN_REFUSED || code === KICKED || isRefusal(error)) this.needs = 'refused';
  }

  /** Gets another and sends it. */
  async renew(): Promise<void> {
    try {
      await this.ask();
      // Without a connection the next `open` says it.
      if (this.core.session.state === 'open') this.#n = this.core.send({ type: 'token', token: this.value });
    } catch (cause) {
      this.#failed(cause, cause);
    }
  }

  /** A frame was refused; says whether it was the one that carried a new token. */
  refused(frame: ErrorFrame): boolean {
    const { n, code, message } = frame;
    // A jump of numbers is no fault of the token: a new connection is opened.
    if (!n || n !== this.#n || code === 'bad_sequence') return false;
    this.#n = 0;
    this.needs = isRefusal(code) ? 'refused' : 'renew';
    this.#failed(message, frame);
    return true;
  }

  #failed(why: unknown, cause: unknown): void {
    if (this.core.session.state !== 'open') return; // the next opening asks, and tells
    this.wait();
    this.core.fail('token_failed', told(why), cause);
  }
}

const told = (why: unknown): string => `No token of the session: ${why}`;
