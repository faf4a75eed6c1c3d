/**
 * Finds out who opens a connection, where somebody can say it, before anything is made of it: by the token of the first frame, else
 * by asking the back end. A session that comes back is not asked about again, until what was said of it has expired.
 */
import type { Outcome } from '../../../../protocol/codes.js';
import type { OpenFrame, SubscribeItem } from '../../../../protocol/frames.js';
import { LIMITS } from '../../../../protocol/limits.js';
import { pathFault } from '../../../../protocol/paths.js';
import type { Authentication, AuthProviders, ClientInfo, Identity } from '../access/identity.js';
import { isInbox } from '../log/reserved-paths.js';
import type { Carrier } from '../session/connection.js';
import type { Clock } from '../time/clock.js';
import { type Refusal, type ResumeResult, refusal } from './resume-result.js';

/** What was found out; `identity` is null when nothing more is said than before, `refused` when nobody was asked about paths. */
export interface AuthResult {
  readonly identity: Identity | null;
  readonly refused: readonly string[] | null;
}

/** A client that comes, as far as its transport knows it. */
export interface HandshakeRequest {
  /** What a back end is told of it; null for one about which nobody is asked. */
  readonly visitor: ClientInfo | null;
  /** Whether it has gone while it waited. */
  readonly isGone: () => boolean;
}

/** Nobody is asked about it. */
export const WITHOUT_CLIENT: HandshakeRequest = { visitor: null, isGone: () => false };
/** Nobody was asked. */
export const NOT_AUTHENTICATED: AuthResult = { identity: null, refused: null };

/** A client that opens a connection, and what was found out about it. */
export interface Opening {
  readonly frame: OpenFrame;
  readonly carrier: Carrier;
  /** Its number among all openings, in the order of their coming. */
  readonly number: number;
  readonly result: AuthResult;
}

/** What introductions stand on. */
export interface AuthenticatorOptions {
  readonly authProviders: AuthProviders;
  readonly clock: Clock;
  readonly isPublic: (path: string) => boolean;
}

/** Finds out who is asking. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** Who opens with a first frame; null when nobody need be asked. The promise never rejects. */
  authenticate(
    frame: OpenFrame,
    resume: ResumeResult,
    visitor: ClientInfo | null,
  ): Promise<AuthResult | Refusal> | Refusal | null {
    const { tokens, view } = this.#options.authProviders;
    if (visitor === null) return null;
    if (frame.token !== undefined) return tokens.identity(frame.token).then((read) => this.#byToken(read));
    const isKnown = !('refused' in resume);
    const known = identityOf(resume);
    if (isKnown && !this.#hasExpired(known)) return null;
    if (known?.source === 'token') return refusal('expired_token', 'token_refused');
    if (view === null) return null;
    return view.authenticate(visitor, this.#undecided(frame.paths)).then((told) => this.#byView(told));
  }

  #byToken(read: Outcome<Identity>): AuthResult | Refusal {
    if ('error' in read) {
      const { error } = read;
      const isBusy = error.code === 'keys_unavailable' || error.code === 'too_many_tokens';
      return { error, close: isBusy ? 'busy' : 'token_refused' };
    }
    return { identity: read.value, refused: null };
  }

  #byView(told: Outcome<Authentication>): AuthResult | Refusal {
    if ('error' in told) {
      const { error } = told;
      return { error, close: error.code === 'not_allowed' ? 'open_refused' : 'busy' };
    }
    const { identity, refused } = told.value;
    return { identity, refused };
  }

  #hasExpired(identity: Identity | null): boolean {
    return identity?.expiresAt != null && identity.expiresAt <= this.#options.clock.now();
  }

  /** What the back end is to be asked about at once. */
  #undecided(items: readonly SubscribeItem[] = []): string[] {
    const { isPublic } = this.#options;
    const paths = items
      .filter(({ token, path }) => token === undefined && !isInbox(path))
      .map(({ path }) => path)
      .filter((path) => pathFault(path) === null && !isPublic(path));
    return [...new Set(paths)].slice(0, LIMITS.subscriptionsPerSession);
  }
}

/** The refusal of what was said before it was taken back: by a token that is good no more, or by a back end, which is to be asked again. */
export function revoked({ source }: Identity): Refusal {
  return source === 'token' ? refusal('revoked_token', 'token_refused') : refusal('not_identified', 'busy');
}

function identityOf(resume: ResumeResult): Identity | null {
  if ('session' in resume) return resume.session.identity;
  return 'claims' in resume ? resume.claims.identity : null;
}
