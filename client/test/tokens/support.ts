/** A Pomona with tokens, whose sources a test scripts, and what they were asked. */
import type { PomonaOptions } from '../../src/index.js';
import { type TokenSources, withTokens } from '../../src/tokens/index.js';
import { Stage, update } from '../support.js';

type Kind = keyof TokenSources;

export class TokenStage extends Stage {
  /** What the sources were asked, such as `session open` and `a renew`. */
  readonly asked: string[] = [];
  /** What the source of session tokens gives: `s1`, `s2` and so on, unless a test says otherwise. */
  session: () => unknown = () => this.#next('s');
  /** What the source of path tokens gives: `a1`, `a2` and so on for the path `a`. */
  path: (path: string) => unknown = (path) => this.#next(path);
  readonly #given = new Map<string, number>();

  constructor(kinds: readonly Kind[] = ['session', 'path'], options: PomonaOptions = {}) {
    super(options);
    const all = {
      session: ({ reason }: { reason: string }) => {
        this.asked.push(`session ${reason}`);
        return this.session();
      },
      path: (path: string, { reason }: { reason: string }) => {
        this.asked.push(`${path} ${reason}`);
        return this.path(path);
      },
    };
    const sources = Object.fromEntries(kinds.map((kind) => [kind, all[kind]]));
    withTokens(this.pomona, sources as TokenSources);
  }

  /** Takes what was asked since. */
  questions(): string[] {
    return this.asked.splice(0);
  }

  #next(name: string): string {
    const count = (this.#given.get(name) ?? 0) + 1;
    this.#given.set(name, count);
    return `${name}${count}`;
  }

  /** The connection is lost, and the next one is about to open. */
  async comesBack(end: Record<string, unknown> = {}): Promise<void> {
    const count = this.transports.length;
    await this.transport.ends(end);
    while (this.transports.length === count) await this.clock.advance(250);
  }
}

/** A promise in the hands of a test. */
export function later<T>(): { promise: Promise<T>; give(value: T): void; fail(cause: unknown): void } {
  let give: (value: T) => void = () => {};
  let fail: (cause: unknown) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    give = resolve;
    fail = reject;
  });
  return { promise, give, fail };
}

/** `subscribed` for one path that is heard by a token. */
export const heardFor = (
  path: string,
  expiresInMs: number,
  position: unknown = { epoch: 'aaaaaaaa', offset: 0 },
) => ({
  type: 'subscribed',
  paths: [{ path, position, expiresInMs }],
});

/** A refusal of one path. */
export const refusal = (path: string, code: string) => ({
  type: 'refused',
  paths: [{ path, code, message: 'no' }],
});

export const expiry = (path: string) => ({ type: 'unsubscribed', paths: [path], by: 'expiry' });

export const MINUTE = 60_000;

/** One that hears `a` by the token `a1`, good for ten minutes, and has processed its position 3. */
export async function hearing(): Promise<{ stage: TokenStage; messages: unknown[] }> {
  const stage = new TokenStage(['path']);
  const messages: unknown[] = [];
  stage.pomona.connect('a', (message) => void messages.push(message));
  await stage.transport.opens({ pingIntervalMs: 60 * MINUTE });
  await stage.transport.says(heardFor('a', 10 * MINUTE), update('a', 3));
  stage.questions();
  stage.events.length = 0;
  return { stage, messages };
}
