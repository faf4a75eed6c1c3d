/** The paths of a run, and which client may hear which. The back end decides by it, and the checker knows it. */

/** Paths without a log: an interruption is a gap `no_log`. */
export const WITHOUT_LOG = ['open/fleeting'];
const OPEN = ['open/0', 'open/1', 'open/2', ...WITHOUT_LOG];
const SHARED = ['shared/0', 'shared/1', 'shared/2', 'shared/3'];
const OWN = 2;

/** What the server's configuration says of these paths. */
export const PATH_CONFIG = {
  public: ['open/{name*}'],
  paths: [{ pattern: 'open/fleeting', log: false }],
};

/** Returns all paths of a run. @param {readonly string[]} clients their names */
export function allPaths(clients) {
  return [...OPEN, ...SHARED, ...clients.flatMap(ownPaths)];
}

/** Returns the paths that `client` asks for: those that it may hear and one that it may not. @param {string} client @param {string} other */
export function pathsOf(client, other) {
  return [...OPEN, ...SHARED, ...ownPaths(client), .../** @type {string[]} */ (ownPaths(other).slice(0, 1))];
}

/** Tells whether `client` may hear `path`. @param {string} client @param {string} path */
export function mayHear(client, path) {
  return OPEN.includes(path) || SHARED.includes(path) || ownPaths(client).includes(path);
}

/** @param {string} client */
function ownPaths(client) {
  return Array.from({ length: OWN }, (_, i) => `own/${client}/${i}`);
}
