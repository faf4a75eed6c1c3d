/** Identities of sessions, and the ports of what authenticates them: tokens and the back end's session view. */
import type { Outcome } from '../../../../protocol/codes.js';
import type { Json } from '../../../../protocol/frames.js';

/** The identity of a session. */
export interface Identity {
  readonly source: 'token' | 'webhook';
  /** The user of the session; null for an anonymous one. */
  readonly user: string | null;
  /** The app's name for the login; null where the app names none. */
  readonly login: string | null;
  /** The app's description of the user. */
  readonly info: Json;
  /** Paths and patterns that the session may subscribe to, all valid. */
  readonly grants: readonly string[];
  /** When it was asserted, in milliseconds since 1970: later revocations override it. */
  readonly at: number;
  /** When it expires, in milliseconds since 1970; null: with the session. */
  readonly expiresAt: number | null;
}

/** The content of a path token. */
export interface PathToken {
  /** The only user whose sessions may use it; null for any. */
  readonly user: string | null;
  /** The login that it was issued for; null where it names none. */
  readonly login: string | null;
  /** The paths and patterns that it grants, all valid. */
  readonly paths: readonly string[];
  /** When it was issued and when it expires, in milliseconds since 1970. */
  readonly at: number;
  readonly expiresAt: number;
}

/**
 * Verifies tokens (docs/protocol.md, "Tokens"). Does not check revocations. Skips a queued token if `isWanted` returns
 * false when its turn comes. Never rejects. Errors: `bad_token`, `expired_token`, `keys_unavailable`,
 * `too_many_tokens`.
 */
export interface TokenReader {
  /** Reads a session token; the identity's `source` is `token`. */
  identity(token: string, isWanted?: () => boolean): Promise<Outcome<Identity>>;
  /** Reads a path token. */
  pathToken(token: string, isWanted?: () => boolean): Promise<Outcome<PathToken>>;
}

/** What the back end receives about a client that opens a connection. */
export interface ClientInfo {
  /** Headers to forward, by names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly address: string;
}

/** The back end's answer about a client. */
export interface Authentication {
  readonly identity: Identity;
  /** Refused paths and patterns, all valid. */
  readonly refused: readonly string[];
}

/** The identity that asks for paths. */
export interface Principal {
  readonly user: string | null;
  readonly login: string | null;
  readonly info: Json;
}

/** The back end's decision on paths; both lists hold valid paths and patterns. */
export interface PathDecision {
  readonly grants: readonly string[];
  readonly refused: readonly string[];
  /** When the back end was asked, in milliseconds since 1970. */
  readonly at: number;
}

/** The session view of the back end. Never rejects. */
export interface SessionWebhook {
  /** Authenticates a client and decides on its paths. Errors: `not_identified`, `not_allowed`. */
  authenticate(client: ClientInfo, paths: readonly string[]): Promise<Outcome<Authentication>>;
  /** Decides on paths; null without a valid answer. */
  ask(principal: Principal, paths: readonly string[]): Promise<PathDecision | null>;
}

/** The sources of identities. */
export interface AuthProviders {
  readonly tokens: TokenReader;
  /** The session view; null where the configuration names none. */
  readonly view: SessionWebhook | null;
}
