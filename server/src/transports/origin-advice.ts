/** Advice about an origin that may not connect, for its page and the log: which configuration would allow it. */
import { ERRORS } from '../../../protocol/codes.js';
import type { Log } from '../observe/log.js';
import { canonicalOrigin } from '../schema.js';

/** The most origins in warnings; a hostile client may send any number. */
const MAX_WARNINGS = 20;

const isConfigurable = (origin: string): boolean => canonicalOrigin(origin) === origin;

/** Returns the message for an origin. */
export function originAdvice(origin: string): string {
  const { message } = ERRORS.origin_not_allowed;
  if (isConfigurable(origin)) {
    return `${message} The configuration line "allowedOrigins": [${JSON.stringify(origin)}] would allow it.`;
  }
  return `${message} This one is no single page's, as those of sandboxed frames and of files are, and cannot be allowed.`;
}

/** Logs a warning once for each origin: a browser hides the refusal from its page. */
export class OriginWarnings {
  readonly #log: Log;
  readonly #warned = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Logs that a page of this origin was refused. */
  warnOf(origin: string): void {
    if (this.#warned.size >= MAX_WARNINGS || this.#warned.has(origin)) return;
    this.#warned.add(origin);
    const advice = isConfigurable(origin)
      ? `--allowed-origins '${origin}' would allow it`
      : "its origin is no single page's and cannot be allowed";
    this.#log.warn({ origin }, `a page was refused: ${advice}`);
  }
}
