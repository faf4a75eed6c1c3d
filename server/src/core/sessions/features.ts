/**
 * Features add frame types and hear of the life of sessions, without a change in core. Hooks are called synchronously,
 * in the order of the features; what one throws is reported and stops nothing.
 */
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { RefusedPath } from '../session/path-owner.js';
import type { Session } from '../session/session.js';

/** A frame of a feature. */
export interface FeatureFrame {
  readonly type: string;
  /** Its number among the frames of its session. */
  readonly n: number;
}

/** What a client may send, and what takes it. */
export interface FrameType {
  /** Checks a frame, of which only the type is known. */
  check(value: Readonly<Record<string, unknown>>): Outcome<FeatureFrame>;
  /** Takes a checked frame, once, in the order of the numbers. */
  take(session: Session, frame: FeatureFrame): void;
}

/** The sessions that the back end ended: one, or those of a user or a login. */
export type KickTarget = { readonly id: string } | { readonly user: string } | { readonly login: string };

/** The life of sessions. A hook may message or end the session; it must not change its paths, since its caller does. */
export interface Hooks {
  /** Called when a new session has its connection. */
  opened?(session: Session): void;
  /** Called when a session gets another connection. */
  resumed?(session: Session): void;
  /** Called when a session was restored from a ticket or the previous server; it may have no connection. */
  restored?(session: Session): void;
  /** Called when a session is bound to its user. */
  bound?(session: Session): void;
  /** Called when a session has begun to hear a path, or waits for the path to be joined. */
  subscribed?(session: Session, path: string): void;
  /** Called once for each `subscribed`, also when the session ends. */
  unsubscribed?(session: Session, path: string): void;
  /** Called when a session was refused paths. */
  refused?(session: Session, paths: readonly RefusedPath[]): void;
  /** Called when a session has lost its connection. */
  detached?(session: Session): void;
  /** Called when a session has ended: by its client or in time (`ended`), by the back end (`kicked`), or so without return (`dismissed`). */
  ended?(session: Session, why: 'ended' | 'kicked' | 'dismissed'): void;
  /** Called when the back end has ended sessions; `count` may be 0. */
  kicked?(target: KickTarget, count: number, mayReturn: boolean): void;
}

/** A part of the server that adds frame types and hooks. */
export interface Feature extends Hooks {
  readonly name: string;
  /** Its frames by type. */
  readonly frames?: Readonly<Record<string, FrameType>>;
  /** Files that it has loaded. */
  readonly modules?: readonly string[];
  /** Called before the server listens; it does not start when this rejects. */
  start?(): Promise<void>;
  /** Resolves when nothing waits for an answer. A server that stops waits a moment for it. */
  settled?(): Promise<void>;
  /** Called when the server stops, before sessions are handed over: nothing may change any more. */
  freeze?(): void;
  /** Closes files and connections. */
  stop?(): Promise<void>;
}

/** The frames that core takes itself. */
const OWN_FRAMES: ReadonlySet<string> = new Set([
  'open',
  'subscribe',
  'unsubscribe',
  'probe',
  'pong',
  'close',
]);

/** The features of a server. */
export class Features {
  readonly #all: Feature[] = [];
  readonly #frames = new Map<string, FrameType>();
  readonly #onFault: (feature: { readonly name: string }, error: unknown) => void;

  constructor(onFault: (feature: { readonly name: string }, error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** The frame types of all features. */
  get frames(): ReadonlyMap<string, FrameType> {
    return this.#frames;
  }

  /** Adds a feature, before any connection is opened. @throws Error when another one has its name or a frame type of it. */
  add(feature: Feature): void {
    if (this.#all.some(({ name }) => name === feature.name))
      throw new Error(`two features are named "${feature.name}"`);
    for (const [type, frame] of Object.entries(feature.frames ?? {})) {
      if (OWN_FRAMES.has(type) || this.#frames.has(type))
        throw new Error(`feature "${feature.name}": the frame type "${type}" is taken`);
      this.#frames.set(type, frame);
    }
    this.#all.push(feature);
  }

  /** Files that features have loaded. */
  get modules(): string[] {
    return this.#all.flatMap(({ modules = [] }) => modules);
  }

  /** Starts all features. Rejects as the first that fails. */
  async start(): Promise<void> {
    for (const feature of this.#all) await feature.start?.();
  }

  /** Resolves when no feature waits for an answer. */
  async settled(): Promise<void> {
    await this.#each((feature) => feature.settled?.());
  }

  /** Freezes all features. */
  freeze(): void {
    this.call('freeze');
  }

  /** Stops all features. */
  async stop(): Promise<void> {
    await this.#each((feature) => feature.stop?.());
  }

  /** Checks a frame of a feature. */
  check(type: FrameType, value: Readonly<Record<string, unknown>>): Outcome<FeatureFrame> {
    try {
      return type.check(value);
    } catch (error) {
      this.#onFault(this.#featureOf(String(value['type'])), error);
      return { error: errorBody('internal') };
    }
  }

  /** Takes a frame of a feature. */
  take(type: FrameType, session: Session, frame: FeatureFrame): void {
    // As `#guard`, but without a closure for each frame.
    try {
      const answer: unknown = type.take(session, frame);
      if (answer instanceof Promise)
        answer.catch((error: unknown) => this.#onFault(this.#featureOf(frame.type), error));
    } catch (error) {
      this.#onFault(this.#featureOf(frame.type), error);
    }
  }

  #featureOf(type: string): { readonly name: string } {
    return this.#all.find(({ frames = {} }) => Object.hasOwn(frames, type)) ?? { name: type };
  }

  /** Calls a function of a feature; what it throws, or rejects with, is reported. */
  #guard(feature: { readonly name: string }, run: () => unknown): void {
    try {
      const answer = run();
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#onFault(feature, error));
    } catch (error) {
      this.#onFault(feature, error);
    }
  }

  /** Does something with all features; what one rejects with is reported and stops nothing. */
  async #each(act: (feature: Feature) => Promise<void> | undefined): Promise<void> {
    await Promise.all(
      this.#all.map(async (feature) => {
        try {
          await act(feature);
        } catch (error) {
          this.#onFault(feature, error);
        }
      }),
    );
  }

  /** Calls a hook of all features. */
  call<Name extends keyof Hooks | 'freeze'>(hook: Name, ...args: Parameters<Required<Feature>[Name]>): void {
    for (const feature of this.#all) {
      const run = feature[hook] as ((...args: unknown[]) => void) | undefined;
      if (run !== undefined) this.#guard(feature, () => run.apply(feature, args));
    }
  }
}
