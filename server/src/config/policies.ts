/** What the configuration says of a path: who may hear it, and what is kept of it. */
import { PatternTable } from '../../../protocol/patterns.js';
import type { PathPolicy } from '../core/log/path-policy.js';
import { type Config, DEFAULT_POLICY } from './config.js';

/** The pattern that the demonstration opens. */
export const DEMO_PATTERN = 'demo/{name*}';

/** Looks paths up in the configuration. */
export class Policies {
  readonly #public: PatternTable<true>;
  readonly #policies: PatternTable<PathPolicy>;

  constructor(config: Config) {
    const open = config.demo ? [...config.public, DEMO_PATTERN] : config.public;
    this.#public = new PatternTable(open.map((pattern) => [pattern, true]));
    this.#policies = new PatternTable(config.paths.map((policy) => [policy.pattern, policyOf(policy)]));
  }

  /** Whether everybody may hear a path. */
  isPublic(path: string): boolean {
    return this.#public.find(path) !== null;
  }

  /** What is kept of a path. */
  of(path: string): PathPolicy {
    return this.#policies.find(path)?.value ?? DEFAULT;
  }
}

const DEFAULT = policyOf(DEFAULT_POLICY);

function policyOf({ log, state, slow }: Omit<Config['paths'][number], 'pattern'>): PathPolicy {
  return { log: log === false ? null : log, state: state === false ? null : state, slow };
}
