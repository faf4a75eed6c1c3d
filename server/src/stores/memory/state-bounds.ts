/** Whether a state may be changed: its versions, its own bounds, and the room that all states share. */
import { type ErrorBody, errorBody } from '../../../../protocol/codes.js';
import type { Change, PathState } from '../../core/log/path-state.js';

/** A change that may depend on a version. */
interface VersionedChange extends Change {
  readonly version?: number | null;
}

/** The room of all states together. */
export interface StateRoom {
  /** Bytes that all states may still grow. */
  readonly roomBytes: number;
  /** Bytes that all states together may have. */
  readonly maxStateBytes: number;
}

/** Returns why changes may not be made together, or null. */
export function faultOf(
  state: PathState,
  changes: readonly VersionedChange[],
  { roomBytes, maxStateBytes }: StateRoom,
): ErrorBody | null {
  if (new Set(changes.map(({ key }) => key)).size < changes.length)
    return errorBody('bad_field', { message: 'One key is named twice.', field: 'key' });
  for (const { key, version } of changes) {
    const present = state.entries.get(key)?.offset ?? null;
    if (version !== undefined && version !== present)
      return errorBody('state_conflict', { field: 'version' });
  }
  if (!state.fits(changes))
    return errorBody('state_full', { message: fullMessage(state, changes), field: 'key' });
  const growth = state.growthOf(changes);
  if (growth === 0 || growth <= roomBytes) return null;
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
