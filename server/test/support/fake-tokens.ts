/** Tokens without cryptography: the text is what the token says, as JSON. */
import { errorBody } from '../../../protocol/codes.js';
import type { Identity, PathToken, TokenReader } from '../../src/core/access/identity.js';
import type { FakeClock } from './fake-clock.js';

/** A token of a session. */
export const sessionToken = (said: Partial<Identity>): string => JSON.stringify(said);

/** A token of paths. */
export const pathToken = (said: Partial<PathToken>): string => JSON.stringify({ ...said, isPass: true });

/** Reads them: what is no JSON is a bad token. What a token does not say was said now, and holds for an hour. */
export function fakeTokens(clock: FakeClock): TokenReader {
  const read = <T>(text: string, isPass: boolean, rest: object) => {
    try {
      const said = JSON.parse(text) as { isPass?: boolean; expiresAt?: number };
      if ((said.isPass === true) !== isPass) return { error: errorBody('bad_token') };
      const value = {
        user: null,
        login: null,
        at: clock.now(),
        expiresAt: clock.now() + 3_600_000,
        ...rest,
        ...said,
      };
      if (value.expiresAt <= clock.now()) return { error: errorBody('expired_token') };
      return { value: value as T };
    } catch {
      return { error: errorBody('bad_token') };
    }
  };
  return {
    identity: async (text) => read<Identity>(text, false, { source: 'token', info: null, grants: [] }),
    pathToken: async (text) => read<PathToken>(text, true, { paths: [] }),
  };
}
