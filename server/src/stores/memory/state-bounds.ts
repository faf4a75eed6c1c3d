/** Whether a state may be changed: its versions, its own bounds, and the room that all states share. */
import { type ErrorBody, errorBody } from '../../../../protocol/codes.js';
import type { Change, PathState } from '../../core/log/path-state.js';
import type { Draft } from '../../core/log/update.js';

/**
 * Returns why changes may not be made together, or null.
 * @param all the bytes that all states together have, and may have
 */
export function faultOf(
  state: PathState,
  changes: readonly (Change & Pick<Draft, 'version'>)[],
  all: { readonly stateBytes: number; readonly maxStateBytes: number },
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
  if (growth === 0 || all.stateBytes + growth <= all.maxStateBytes) return null;
  const message = `All states together have no room for this in their ${all.maxStateBytes} bytes: remove keys, or raise "maxStateBytes".`;
  return errorBody('state_full', { message, field: 'key' });
}

function fullMessage({ entries, bounds }: PathState, changes: readonly Change[]): string {
  const { maxKeys, maxBytes } = bounds;
  const isOfKeys = entries.size >= maxKeys && changes.some(({ key }) => !entries.has(key));
  return isOfKeys
    ? `The state of this path has as many keys as it may (${maxKeys}): remove some, or raise "maxKeys" in the "state" of its policy.`
    : `The state of this path has no room for this in its ${maxBytes} bytes: remove keys, or raise "maxBytes" in the "state" of its policy.`;
}
