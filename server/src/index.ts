/** The library's public names. */
export type { ErrorBody, ErrorCode } from '../../protocol/codes.js';
export type { Json } from '../../protocol/frames.js';
export type { Position } from '../../protocol/positions.js';
export { TokenKeysError } from './auth/tokens/key-set.js';
export { ModuleError } from './commands/modules/folder.js';
export { type Config, ConfigError, type ConfigInput } from './config/config.js';
export type { Receiver } from './core/hub/receiver.js';
export type { UpdateInfo } from './core/log/update.js';
export { DobbyError } from './core/operations/dobby-error.js';
export type { GrantResult, RevokeResult } from './core/session/grant-result.js';
export type { KickTarget } from './core/sessions/features.js';
export type { PatternResult } from './core/sessions/session-admin.js';
export { createDobby, Dobby, type UpdateOptions } from './dobby.js';
export { StateFolderError } from './stores/state-folder/state-folder.js';
export { VERSION } from './version.js';
