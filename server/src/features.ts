/** The table of features. Each line adds one; removing the line removes the feature. */
import { tokenFeature } from './auth/tokens/token-feature.js';
import { CommandCenter } from './commands/command-center.js';
import type { Config } from './config/config.js';
import type { Engine } from './core/engine.js';
import type { Feature } from './core/sessions/features.js';
import type { Clock } from './core/time/clock.js';
import type { TimerWheel } from './core/time/timer-wheel.js';
import type { Log } from './observe/log.js';
import { sessionLog } from './observe/session-log.js';

/** What a feature is made from. */
export interface FeatureOptions {
  readonly config: Config;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly log: Log;
  /** A log that drops repeated lines, for what clients can cause often. */
  readonly sparing: Log;
  /** Returns the secret that signs requests to the back end; made at the first call. */
  readonly secret: () => string;
}

/** In the order in which their hooks are called. */
export const FEATURES: readonly ((parts: FeatureOptions) => Feature)[] = [
  ({ log, sparing }) => sessionLog(log, sparing),
  ({ engine }) => tokenFeature(engine.sessions),
  ({ config, ...options }) => new CommandCenter(config, options),
];
