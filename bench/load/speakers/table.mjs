/** Which speaker a system's clients have. A system that is not named here has clients that remember nothing. */

import { BUILDS } from '../../peers/dobby.mjs';
import { DIALECTS } from '../dialects.mjs';
import { DobbySpeaker } from './dobby.mjs';
import { NchanSpeaker } from './nchan.mjs';
import { PlainSpeaker } from './plain.mjs';
import { SocketioRecoverySpeaker } from './socketio-recovery.mjs';

/** @type {Record<string, typeof PlainSpeaker>} */
const RESUMING = { nchan: NchanSpeaker, 'socketio-recovery': SocketioRecoverySpeaker };

/**
 * @param {{system: string, dialect: string}} peer its name and the dialect of its subscribers
 * @param {string[]} paths only Dobby's clients can hear more than one
 * @param {import('./dobby.mjs').Listener} listener
 * @returns {import('../returning-client.mjs').Speaker}
 */
export function speakerOf({ system, dialect }, paths, listener) {
  if (BUILDS.includes(system)) return new DobbySpeaker(paths, listener);
  return new (RESUMING[system] ?? PlainSpeaker)(DIALECTS[dialect], paths[0], listener);
}
