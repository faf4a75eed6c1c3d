/** A real Pomona whose every event is noted and judged: what it must never say, and what its handlers hear. */
import { Pomona, type PomonaOptions, type Subscription } from '../../src/index.js';
import type { FakePage } from './fake-page.js';
import { Hearing, type Press } from './hearing.js';

/** What it is watched with. */
export interface Watch {
  readonly page: Pick<FakePage, 'isGone'>;
  readonly press: Press;
  readonly note: (what: string) => void;
  readonly fail: (what: string) => void;
  /** Whether the back end has refused a path at least once. */
  readonly mayBeRefused: (path: string) => boolean;
}

/** The wish to hear one path. */
interface Wish {
  readonly hearing: Hearing;
  readonly subscription: Subscription;
  readonly handler: (message: never, update: never) => void;
  /** The back end refused it since the newest `connect`. */
  isRefused: boolean;
}

/** A Pomona, and the wishes of its page. */
export class WatchedPomona {
  readonly pomona: Pomona;
  readonly wishes = new Map<string, Wish>();
  readonly #watch: Watch;
  #isClosing = false;

  constructor(watch: Watch, options: PomonaOptions) {
    this.#watch = watch;
    this.pomona = new Pomona(options);
    this.#listen();
  }

  /** Wants a path; one that was refused is asked for again. */
  connect(path: string): void {
    const known = this.wishes.get(path);
    this.#watch.note(known === undefined ? `connect ${path}` : `connect ${path} again`);
    if (known !== undefined) {
      known.isRefused = false;
      this.pomona.connect(path, known.handler as never);
      return;
    }
    const hearing = new Hearing(path, this.#watch.press, this.#watch.fail);
    const handler = (message: never, { position }: { position: never }): void => {
      this.#watch.note(`heard ${message} on ${path}`);
      if (this.wishes.get(path)?.hearing !== hearing)
        this.#watch.fail(`${path}: a handler that was taken away heard ${message}`);
      hearing.update(message, position);
    };
    const subscription = this.pomona.connect(path, handler as never);
    if (subscription.state === 'subscribed') hearing.begins(subscription.position);
    this.wishes.set(path, { hearing, subscription, handler, isRefused: false });
  }

  /** Wants a path no more. */
  disconnect(path: string): void {
    if (!this.wishes.delete(path)) return;
    this.#watch.note(`disconnect ${path}`);
    this.pomona.disconnect(path);
  }

  /** Ends it for good. */
  close(): void {
    this.#isClosing = true;
    this.pomona.close();
  }

  #listen(): void {
    const { pomona } = this;
    const { note, fail, page, mayBeRefused } = this.#watch;
    for (const name of ['subscribed', 'refused', 'gap', 'unsubscribed', 'update', 'state', 'id'] as const)
      pomona.on(name, (event: unknown) => note(`event ${name} ${JSON.stringify(event)}`));
    pomona.on('subscribed', ({ path, position }) => {
      const wish = this.wishes.get(path);
      if (wish !== undefined) wish.isRefused = false;
      wish?.hearing.begins(position);
    });
    pomona.on('gap', ({ path, to }) => this.wishes.get(path)?.hearing.gap(to));
    pomona.on('refused', ({ path, code, retryable }) => {
      const wish = this.wishes.get(path);
      if (wish === undefined || retryable) return;
      if (code !== 'connect_refused' || !mayBeRefused(path)) fail(`${path} was refused with ${code}`);
      wish.isRefused = true;
      wish.hearing.ends();
    });
    pomona.on('unsubscribed', ({ path, by }) => {
      if (this.wishes.has(path) && !this.#isClosing)
        fail(`${path} was unsubscribed by ${by}, though it is wanted`);
    });
    pomona.on('state', (state) => {
      if (state === 'closed' && !this.#isClosing) fail('Pomona closed by itself');
    });
    pomona.on('error', ({ code, message }) => {
      note(`event error ${code}: ${message}`);
      if (code === 'handler_failed') fail(message);
      if (page.isGone) fail(`an error event between pagehide and pageshow: ${code}`);
    });
  }
}
