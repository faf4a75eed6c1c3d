/** Every method of the API: a new one is a file beside this and a line here. */
import type { AnyMethod } from '../method.js';
import { broadcast } from './broadcast.js';
import { complete } from './complete.js';
import { connect } from './connect.js';
import { disconnect } from './disconnect.js';
import { history } from './history.js';
import { info } from './info.js';
import { kick } from './kick.js';
import { paths } from './paths.js';
import { send } from './send.js';
import { sessions } from './sessions.js';
import { state } from './state.js';
import { update } from './update.js';
import { updates } from './updates.js';

/** The methods, in the order of the description. */
export const METHODS: readonly AnyMethod[] = [
  update,
  updates,
  connect,
  disconnect,
  kick,
  send,
  broadcast,
  sessions,
  paths,
  history,
  state,
  complete,
  info,
];
