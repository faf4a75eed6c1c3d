/** Who is asking and what they may hear: what a token or a back end says of a session. */
import type { Outcome } from '../../../protocol/codes.js';
import type { Json } from '../../../protocol/frames.js';

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
export interface Pass {
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
 * `keys_unavailable`. What was revoked since it was made is not its concern.
 */
export interface TokenReader {
  /** A token of a session; its `source` is `token`. */
  identity(token: string): Promise<Outcome<Identity>>;
  /** A token of paths. */
  pass(token: string): Promise<Outcome<Pass>>;
}
