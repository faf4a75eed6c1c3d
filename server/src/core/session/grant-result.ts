/** What became of the paths of a grant or a revocation, each by itself. */
import { type ErrorBody, type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { Position } from '../../../../protocol/positions.js';

/** What became of one path of a grant. */
export type GrantResult =
  | { readonly path: string; readonly position: Position | null }
  | { readonly path: string; readonly error: ErrorBody };

/** What became of one path that was taken away. */
export type RevokeResult =
  | { readonly path: string; readonly wasSubscribed: boolean }
  | { readonly path: string; readonly error: ErrorBody };

/** Returns the error of one item of the request's `paths`. */
export const itemError = (code: ErrorCode, index: number): ErrorBody => ({
  ...errorBody(code),
  field: `paths.${index}`,
});
