/** Whether a state may be changed: its versions, its own bounds, and the room that all states share. */
import { type ErrorBody, errorBody } from '../../../../protocol/codes.js';
import type { Change, PathState } from '../../core/log/path-state.js';
import type { Draft } from '../../core/log/update.js';

/** Keys and bytes of a state that are given already, to updates that are being stored. */
export interface Reserved {
  /** The version of each such key; null for one that is being removed. */
  readonly versions: ReadonlyMap<string, number | null>;
  readonly keys: number;
  readonly bytes: number;
}

/** Nothing is being stored. */
export const NOTHING_RESERVED: Reserved = { versions: new Map(), keys: 0, bytes: 0 };

/**
 * Returns why changes may not be made together, or null.
 * @param all the bytes that all states together have, and may have; what is being stored of this state
 */
export function faultOf(
  state: PathState,
  changes: readonly (Change & Pick<Draft, 'version'>)[],
  {
    stateBytes,
    maxStateBytes,
    reserved = NOTHING_RESERVED,
  }: { readonly stateBytes: number; readonly maxStateBytes: number; readonly reserved?: Reserved },
): ErrorBody | null {
  if (new Set(changes.map(({ key }) => key)).size < changes.length)
    return errorBody('bad_field', { message: 'One key is named twice.', field: 'key' });
  for (const { key, version } of changes) {
    const staged = reserved.versions.get(key);
    const present = staged === undefined ? (state.entries.get(key)?.offset ?? null) : staged;
    if (version !== undefined && version !== present)
      return errorBody('state_conflict', { field: 'version' });
  }
  if (!state.fits(changes, reserved))
    return errorBody('state_full', { message: fullMessage(state, changes), field: 'key' });
  const growth = state.growthOf(changes);
  if (growth === 0 || stateBytes + growth <= maxStateBytes) return null;
  const message = `All states together have no room for this in their ${maxStateBytes} bytes: remove keys, or raise "maxStateBytes".`;
  return errorBody('state_full', { message, field: 'key' });
}

function fullMessage({ entries, bounds }: PathState, changes: readonly Change[]): string {
  const { maxKeys, maxBytes } = bounds;
  const isOfKeys = entries.size >= maxKeys && changes.some(({ key }) => !entries.has(key));
  return isOfKeys
    ? `The state of this path has as many keys as it may (${maxKeys}): remove some, or raise "maxKeys" in the "state" of its policy.`
    : `The state of this path has no room for this in its ${maxBytes} bytes: remove keys, or raise "maxBytes" in the "state" of its policy.`;
}
