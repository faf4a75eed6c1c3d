/**
 * Authenticates a client before its session is made: by the token of the `open` frame, else by the session webhook. A
 * resumed session is authenticated again only after its identity has expired.
 */
import type { Outcome } from '../../../../protocol/codes.js';
import type { OpenFrame, SubscribeItem } from '../../../../protocol/frames.js';
import { LIMITS } from '../../../../protocol/limits.js';
import { pathFault } from '../../../../protocol/paths.js';
import type { Authentication, ClientInfo, Identity } from '../access/identity.js';
import { isInbox } from '../log/reserved-paths.js';
import type { Carrier } from '../session/connection.js';
import type { CoreContext } from '../session/core-context.js';
import { type Refusal, type ResumeResult, refusal } from './resume-result.js';

/** The result of an authentication. `identity` is null if nothing new is known, `refused` if the view was not asked. */
export interface AuthResult {
  readonly identity: Identity | null;
  readonly refused: readonly string[] | null;
}

/** What a transport knows of a client that opens a connection. */
export interface HandshakeRequest {
  /** The client as the back end sees it; null for a client that is not authenticated. */
  readonly visitor: ClientInfo | null;
  /** Returns whether the client has disconnected while it waited. */
  readonly isGone: () => boolean;
}

/** The request of a client that is not authenticated. */
export const WITHOUT_CLIENT: HandshakeRequest = { visitor: null, isGone: () => false };
/** The result without an authentication. */
export const NOT_AUTHENTICATED: AuthResult = { identity: null, refused: null };

/** An `open` frame with the result of its authentication. */
export interface Opening {
  readonly frame: OpenFrame;
  readonly carrier: Carrier;
  /** Its number among all openings, in the order of arrival. */
  readonly number: number;
  readonly result: AuthResult;
}

export class Authenticator {
  readonly #context: CoreContext;

  constructor(context: CoreContext) {
    this.#context = context;
  }

  /** Authenticates the sender of an `open` frame; returns null if that is not necessary. The promise never rejects. */
  authenticate(
    frame: OpenFrame,
    resume: ResumeResult,
    visitor: ClientInfo | null,
  ): Promise<AuthResult | Refusal> | Refusal | null {
    const { tokens, view } = this.#context.authProviders;
    if (visitor === null) return null;
    if (frame.token !== undefined) return tokens.identity(frame.token).then((read) => this.#byToken(read));
    const isKnown = !('refused' in resume);
    const known = identityOf(resume);
    if (isKnown && !this.#hasExpired(known)) return null;
    if (known?.source === 'token') return refusal('expired_token', 'token_refused');
    if (view === null) return null;
    return view.authenticate(visitor, this.#undecided(frame.paths)).then((answer) => this.#byView(answer));
  }

  #byToken(read: Outcome<Identity>): AuthResult | Refusal {
    if ('error' in read) {
      const { error } = read;
      const isBusy = error.code === 'keys_unavailable' || error.code === 'too_many_tokens';
      return { error, close: isBusy ? 'busy' : 'token_refused' };
    }
    return { identity: read.value, refused: null };
  }

  #byView(answer: Outcome<Authentication>): AuthResult | Refusal {
    if ('error' in answer) {
      const { error } = answer;
      return { error, close: error.code === 'not_allowed' ? 'open_refused' : 'busy' };
    }
    const { identity, refused } = answer.value;
    return { identity, refused };
  }

  #hasExpired(identity: Identity | null): boolean {
    return identity?.expiresAt != null && identity.expiresAt <= this.#context.clock.now();
  }

  /** Returns the paths about which the back end decides together with the authentication. */
  #undecided(items: readonly SubscribeItem[] = []): string[] {
    const { isPublic } = this.#context;
    const paths = items
      .filter(({ token, path }) => token === undefined && !isInbox(path))
      .map(({ path }) => path)
      .filter((path) => pathFault(path) === null && !isPublic(path));
    return [...new Set(paths)].slice(0, LIMITS.subscriptionsPerSession);
  }
}

/** Returns the refusal of a revoked identity. Without a token the client comes back and is authenticated again. */
export function revoked({ source }: Identity): Refusal {
  return source === 'token' ? refusal('revoked_token', 'token_refused') : refusal('not_identified', 'busy');
}

function identityOf(resume: ResumeResult): Identity | null {
  if ('session' in resume) return resume.session.identity;
  return 'claims' in resume ? resume.claims.identity : null;
}
