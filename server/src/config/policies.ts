/** What the configuration says of a path: who may hear it, and what is kept of it. */
import { PatternTable } from '../../../protocol/patterns.js';
import type { LogBounds } from '../core/path-log.js';
import { type Config, DEFAULT_LOG } from './config.js';

/** The pattern that the demonstration opens. */
export const DEMO_PATTERN = 'demo/{name*}';

/** Looks paths up in the configuration. */
export class Policies {
  readonly #public: PatternTable<true>;
  readonly #logs: PatternTable<LogBounds | null>;

  constructor(config: Config) {
    const open = config.demo ? [...config.public, DEMO_PATTERN] : config.public;
    this.#public = new PatternTable(open.map((pattern) => [pattern, true]));
    this.#logs = new PatternTable(
      config.paths.map(({ pattern, log }) => [pattern, log === false ? null : log]),
    );
  }

  /** Whether everybody may hear a path. */
  isPublic(path: string): boolean {
    return this.#public.find(path) !== null;
  }

  /** The bounds of a path's log; null when it has none. */
  logOf(path: string): LogBounds | null {
    const found = this.#logs.find(path);
    return found === null ? DEFAULT_LOG : found.value;
  }
}
