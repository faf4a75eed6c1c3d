/**
 * Gives a Pomona tokens: of its session, and of paths. It gets them from the page, in time, and renews them. Their frames
 * are described in docs/protocol.md, "Tokens".
 */
import type { Core, Feature } from '../features.js';
import type { Pomona } from '../pomona.js';
import type { Track } from '../track.js';
import { PathToken } from './path-token.js';
import { SessionToken } from './session-token.js';
import type { Token, TokenReason } from './token.js';

export type { TokenReason } from './token.js';

/** Where tokens come from. Both functions may be async; one that fails is told as `token_failed` and asked again. */
export interface TokenSources {
  /** Gives the token of the session. Nothing opens while it is being waited for. */
  readonly session?: (about: { readonly reason: TokenReason }) => string | Promise<string>;
  /** Gives the token of a path; null or undefined for one that needs none. Other paths do not wait for it. */
  readonly path?: (
    path: string,
    about: { readonly reason: TokenReason },
  ) => string | null | undefined | Promise<string | null | undefined>;
}

/** Timers cannot wait longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The same Pomona, which now opens, and names paths, with tokens. To be called in the tick in which it was made. Once is
 * enough; once more does nothing.
 */
export function withTokens<P extends Pomona>(pomona: P, sources: TokenSources): P {
  return pomona.extend('tokens', (core) => tokenFeature(core, sources));
}

function tokenFeature(given: Core, { session, path: ofPath }: TokenSources): Feature {
  const tokens = new WeakMap<Track, PathToken>();
  let timer: unknown;

  const tracks = (): Track[] => [...core.subscriptions.tracks.values()].filter(({ isWanted }) => isWanted);
  const known = (path: string): PathToken | undefined => {
    const track = core.subscriptions.tracks.get(path);
    return track && tokens.get(track);
  };
  const isReady = (track: Track): boolean => {
    const { path } = track;
    if (!ofPath || path.startsWith('::')) return true;
    const held = tokens.get(track) ?? new PathToken(track, core, (reason) => ofPath(path, { reason }));
    tokens.set(track, held);
    return held.isReady;
  };
  /** What the server has ended is over, unless it is asked for again. */
  const forgetEnded = (paths: readonly string[]): void => {
    for (const path of paths) if (!core.subscriptions.tracks.get(path)?.isWanted) known(path)?.discard();
  };
  const pathTokens = (): PathToken[] => tracks().flatMap((track) => tokens.get(track) ?? []);
  const all = (): Token[] => (ofSession ? [ofSession, ...pathTokens()] : pathTokens());
  /** One timer for all tokens. */
  const arm = (): void => {
    const { clock } = core.settings;
    clock.clearTimeout(timer);
    if (core.session.state === 'closed') return;
    const left = Math.min(...all().map(({ dueAt }) => dueAt)) - clock.now();
    if (left < Infinity) timer = clock.setTimeout(look, Math.min(left, MAX_TIMER_MS));
  };
  /** Renews what is due. Without a connection nothing is: `opened` looks again. */
  const look = (): void => {
    if (core.session.state !== 'open') return;
    for (const token of all()) {
      if (token.dueAt > core.settings.clock.now()) continue;
      token.dueAt = Infinity; // also when it is being asked for already
      void token.renew();
    }
    arm();
  };
  const core = { ...given, arm };
  const ofSession = session && new SessionToken(core, async (reason) => (await session({ reason })) ?? '');

  return {
    frames: {
      renewed: (frame) => ofSession?.taken(frame.expiresInMs),
      error: (frame, handOn) => {
        if (!ofSession?.refused(frame)) handOn(frame);
      },
      subscribed: (frame, handOn) => {
        handOn(frame);
        for (const { path, expiresInMs } of frame.paths) known(path)?.taken(expiresInMs);
        arm();
      },
      refused: (frame, handOn) => {
        const paths = frame.paths.filter(({ path, code, message }) => !known(path)?.refused(code, message));
        handOn({ ...frame, paths });
        forgetEnded(paths.map(({ path }) => path));
      },
      unsubscribed: (frame, handOn) => {
        const paths = frame.paths.filter((path) => frame.by !== 'expiry' || !known(path)?.expired());
        handOn({ ...frame, paths });
        forgetEnded(paths);
      },
    },
    opening: async () => {
      for (const track of tracks()) isReady(track); // so that their tokens are there when the transport is
      return { token: await ofSession?.forOpening() };
    },
    naming: (track) => (isReady(track) ? { token: tokens.get(track)?.value ?? undefined } : null),
    opened: ({ tokenExpiresInMs }) => {
      for (const token of pathTokens()) token.trustedAt = 0;
      ofSession?.taken(tokenExpiresInMs);
      arm();
    },
    ended: (end) => ofSession?.ended(end),
    wake: look,
    reopen: () => {
      ofSession?.discard();
      for (const track of core.subscriptions.tracks.values()) tokens.get(track)?.discard();
    },
    closed: arm,
  };
}
