/** The results of a grant or a revocation, for each path by itself. */
import { type ErrorBody, type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { Position } from '../../../../protocol/positions.js';

/** The result of granting one path. */
export type GrantResult =
  | { readonly path: string; readonly position: Position | null }
  | { readonly path: string; readonly error: ErrorBody };

/** The result of revoking one path. */
export type RevokeResult =
  | { readonly path: string; readonly wasSubscribed: boolean }
  | { readonly path: string; readonly error: ErrorBody };

/** Returns the error of one item of the request's `paths`. */
export const itemError = (code: ErrorCode, index: number): ErrorBody => ({
  ...errorBody(code),
  field: `paths.${index}`,
});
