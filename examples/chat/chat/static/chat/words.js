/** What a person is told when a command fails. What a handler refused it says in its own words. */

const UNKNOWN = 'Nobody knows whether it was done.';
const REFUSALS = new Set(['refused', 'not_allowed', 'bad_args']);
const WORDS = {
  back_end_down: 'The chat does not answer just now; nothing was done.',
  back_end_failed: `The chat gave no answer. ${UNKNOWN}`,
  handler_failed: 'The chat has made a mistake; its log says which.',
  disconnected: `The connection was lost. ${UNKNOWN}`,
  timeout: `No answer came in time. ${UNKNOWN}`,
  too_many_commands: 'That was too much at a time. Wait a moment.',
};

/** Says whether a CommandError is a handler's no, which the same command would get again. */
export function isRefusal({ code }) {
  return REFUSALS.has(code);
}

/** Gives the sentence for a CommandError. */
export function wordsFor({ code, message }) {
  return WORDS[code] ?? message;
}
