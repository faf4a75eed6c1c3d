/** Who is asking and what they may hear: what a token or a back end says of a session. */
import type { Outcome } from '../../../../protocol/codes.js';
import type { Json } from '../../../../protocol/frames.js';

/** What is said of a session. */
export interface Identity {
  readonly source: 'token' | 'webhook';
  /** Whose session it is; null: nobody's. */
  readonly user: string | null;
  /** The tag of the login at the app; null where it is not told. */
  readonly login: string | null;
  /** What the app says of the user. */
  readonly info: Json;
  /** Paths and patterns that it may hear, all of them valid. */
  readonly grants: readonly string[];
  /** When it was said, in milliseconds since 1970: what was taken back since counts more. */
  readonly at: number;
  /** Until when it holds, in milliseconds since 1970; null: as long as the session. */
  readonly expiresAt: number | null;
}

/** What a token of paths says. */
export interface PathToken {
  /** Only sessions of this user may use it; null: any. */
  readonly user: string | null;
  /** The tag of the login that it was made for; null where it is not told. */
  readonly login: string | null;
  /** The paths and patterns that it opens, all of them valid. */
  readonly paths: readonly string[];
  /** When it was made, and until when it holds, in milliseconds since 1970. */
  readonly at: number;
  readonly expiresAt: number;
}

/**
 * Reads tokens (docs/protocol.md, "Tokens"). Never rejects, whatever the text. Errors: `bad_token`, `expired_token`,
 * `keys_unavailable`, `too_many_tokens`. What was revoked since it was made is not its concern. A token that waits for its turn is
 * not read when `isWanted` is false by then.
 */
export interface TokenReader {
  /** A token of a session; its `source` is `token`. */
  identity(token: string, isWanted?: () => boolean): Promise<Outcome<Identity>>;
  /** A token of paths. */
  pass(token: string, isWanted?: () => boolean): Promise<Outcome<PathToken>>;
}

/** A client that opens a connection, as far as a back end is told of it. */
export interface ClientInfo {
  /** The headers that it is shown, by names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The address of the client. */
  readonly address: string;
}

/** What a back end says of a visitor: who it is, and which of the paths it must not hear. */
export interface Authentication {
  readonly identity: Identity;
  /** Paths and patterns, all of them valid. */
  readonly refused: readonly string[];
}

/** Who wants to hear paths. */
export interface Principal {
  readonly user: string | null;
  readonly login: string | null;
  readonly info: Json;
}

/** What a back end says of paths; both are paths and patterns, all of them valid. */
export interface PathDecision {
  readonly grants: readonly string[];
  readonly refused: readonly string[];
  /** When it was asked, in milliseconds since 1970. */
  readonly at: number;
}

/** The back end as the one that answers for sessions. Never rejects. */
export interface SessionWebhook {
  /** Asks who a visitor is, and about paths. Errors: `not_identified`, `not_allowed`. */
  authenticate(visitor: ClientInfo, paths: readonly string[]): Promise<Outcome<Authentication>>;
  /** Asks whether somebody may hear paths; null when nothing is answered. */
  ask(asker: Principal, paths: readonly string[]): Promise<PathDecision | null>;
}

/** Those who can say something of sessions. */
export interface AuthProviders {
  readonly tokens: TokenReader;
  /** Null where the configuration names none. */
  readonly view: SessionWebhook | null;
}
