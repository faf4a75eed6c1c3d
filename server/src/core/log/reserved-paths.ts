/**
 * The paths of messages to sessions themselves: `::inbox/<id>` of one, `::all` of every session. They are paths like others, with logs,
 * replay and gaps, but only the server subscribes to them, when there is something to say.
 */
/** The path of messages to everybody. */
export const BROADCAST_PATH = '::all';
const PREFIX = '::inbox/';

/** The path of messages to the session of an id. */
export const inboxOf = (id: string): string => `${PREFIX}${id}`;

/** Whether a path carries messages to sessions. */
export const isInbox = (path: string): boolean => path === BROADCAST_PATH || path.startsWith(PREFIX);

/** Whether a path carries messages to this session. */
export const isInboxOf = (path: string, { id }: { readonly id: string }): boolean =>
  path === BROADCAST_PATH || path === inboxOf(id);
