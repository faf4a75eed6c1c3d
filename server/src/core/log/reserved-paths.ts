/**
 * The reserved paths of direct messages: `::inbox/<id>` of one session, `::all` of every session. They have logs,
 * replay and gaps like other paths, but only the server subscribes to them.
 */
/** The path of messages to every session. */
export const BROADCAST_PATH = '::all';
const PREFIX = '::inbox/';

/** Returns the path of messages to one session. */
export const inboxOf = (id: string): string => `${PREFIX}${id}`;

/** Returns whether a path carries direct messages. */
export const isInbox = (path: string): boolean => path === BROADCAST_PATH || path.startsWith(PREFIX);

/** Returns whether a path carries direct messages to this session; a raw one has none. */
export const isInboxOf = (
  path: string,
  { id, isRaw }: { readonly id: string; readonly isRaw: boolean },
): boolean => !isRaw && (path === BROADCAST_PATH || path === inboxOf(id));
