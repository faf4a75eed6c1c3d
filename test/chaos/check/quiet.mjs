/**
 * The check of a quiet period: every client is open and hears exactly the paths that it wished for last, and the server counts the
 * same subscriptions.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { mayHear } from '../world/paths.mjs';

const LOOK_MS = 100;
const MARKER_MS = 5_000;

/**
 * @typedef {import('./watch.mjs').Client} Client
 * @typedef {{clients: readonly Client[], dobby: import('../world/dobby.mjs').Dobby, watch: import('./watch.mjs').Watch,
 *   publisher: import('../world/publisher.mjs').Publisher, paths: readonly string[]}} World
 */

/** Checks all clients; resolves with how long it took until all was well. @param {World} world @param {number} boundMs */
export async function checkQuiet(world, boundMs) {
  const settled = await waitForNone(() => stateFaults(world), boundMs);
  for (const { client, detail } of settled.faults)
    world.watch.account(client).violated('not settled', null, `after ${boundMs} ms: ${detail}`);
  const markers = new Map();
  for (const path of world.paths) markers.set(path, await world.publisher.publish(path));
  const heard = await waitForNone(() => markerFaults(world, markers), MARKER_MS);
  for (const { client, detail } of heard.faults) world.watch.account(client).violated('deaf', null, detail);
  // Once more: what a late answer changed after all was well.
  for (const { client, detail } of (await waitForNone(() => stateFaults(world), MARKER_MS)).faults)
    world.watch.account(client).violated('not settled', null, `after the markers: ${detail}`);
  return settled.tookMs;
}

/** @param {() => Promise<{client: Client, detail: string}[]>} look @param {number} boundMs */
async function waitForNone(look, boundMs) {
  const beganMs = performance.now();
  for (;;) {
    const faults = await look();
    const tookMs = performance.now() - beganMs;
    if (faults.length === 0 || tookMs > boundMs) return { faults, tookMs };
    await sleep(LOOK_MS);
  }
}

/** @param {World} world */
async function stateFaults({ clients, dobby, watch, paths }) {
  const sessions = await sessionsOf(dobby);
  const faults = [];
  const heardBy = new Map(paths.map((path) => [path, 0]));
  let known = 0;
  for (const client of clients) {
    await watch.collect(client);
    const status = await client.status();
    const granted = status.wishes.filter(([path]) => mayHear(client.name, path));
    for (const [path] of granted) heardBy.set(path, (heardBy.get(path) ?? 0) + 1);
    const session = sessions.find(({ id }) => id === status.id);
    known += session?.subscriptions ?? 0;
    const detail = faultOf(client.name, status, session?.subscriptions, granted.length);
    if (detail !== null) faults.push({ client, detail });
  }
  if (faults.length > 0) return faults;
  // Sessions that their clients have left live on for a while, and hear on.
  const left = sessions.reduce((sum, { subscriptions }) => sum + subscriptions, 0) - known;
  const { paths: counted } = await dobby.api('paths', { names: paths });
  for (const { path, subscriptions } of counted) {
    const surplus = subscriptions - (heardBy.get(path) ?? 0);
    const detail = `${path} has ${subscriptions} subscriptions, wished by ${heardBy.get(path)}, left sessions have ${left}`;
    if (surplus < 0 || surplus > left) faults.push({ client: clients[0], detail });
  }
  return faults;
}

/** @param {string} name @param {import('../clients/node-client.mjs').Status} status @param {number | undefined} counted @param {number} granted */
function faultOf(name, { id, state, transport, wishes }, counted, granted) {
  const where = `${state} on ${transport}, session ${id}`;
  if (state !== 'open') return where;
  for (const [path, stands] of wishes) {
    const wanted = mayHear(name, path) ? 'subscribed' : 'refused';
    if (stands !== wanted) return `${where}: ${path} is ${stands}, not ${wanted}`;
  }
  if (counted === undefined) return `${where}: the server does not know the session`;
  return counted === granted
    ? null
    : `${where}: the server counts ${counted} subscriptions, wished are ${granted}`;
}

/** @param {World} world @param {ReadonlyMap<string, number | null>} markers */
async function markerFaults({ clients, watch }, markers) {
  const faults = [];
  for (const client of clients) {
    const account = await watch.collect(client);
    const { wishes } = await client.status();
    const deaf = wishes
      .filter(([path]) => mayHear(client.name, path) && account.heard(path) !== markers.get(path))
      .map(([path]) => `${path} heard ${account.heard(path)}, not the marker ${markers.get(path)}`);
    if (deaf.length > 0) faults.push({ client, detail: deaf.join('; ') });
  }
  return faults;
}

/** @param {import('../world/dobby.mjs').Dobby} dobby @returns {Promise<{id: string, subscriptions: number}[]>} */
async function sessionsOf(dobby) {
  return (await dobby.api('sessions', { limit: 1_000 })).sessions;
}
