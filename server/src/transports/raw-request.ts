/** Reads what a raw stream hears from the URL of its GET: public paths, a position and the state. */
import type { FastifyRequest } from 'fastify';
import type { SubscribeItem } from '../../../protocol/frames.js';
import { pathFault } from '../../../protocol/paths.js';
import type { Position } from '../../../protocol/positions.js';
import { fault } from '../http/http-errors.js';

/** What is known of paths. */
interface Paths {
  /** Returns whether every client may hear a path. */
  readonly isPublic: (path: string) => boolean;
  /** Returns whether a path has a state to follow. */
  readonly hasState: (path: string) => boolean;
}

/** Returns the paths of a raw stream. @throws RequestFault `bad_field`, `bad_path`, `reserved_path`, `not_granted`, `no_state` */
export function rawItems(
  { query, url, headers }: FastifyRequest,
  { isPublic, hasState }: Paths,
): SubscribeItem[] {
  const { path, state: wanted } = query as Record<string, string | string[] | undefined>;
  const paths = [path ?? []].flat();
  if (paths.length === 0) {
    throw fault('bad_field', { field: 'path', message: 'GET reads public paths: add ?path=…' });
  }
  if (!isEncodedUtf8(url)) throw fault('bad_path', { field: 'path', message: 'This query is not UTF-8.' });
  for (const each of paths) mustBePublic(each, isPublic);
  const position = paths.length === 1 ? lastEventId(headers['last-event-id']) : undefined;
  const state = stateOf(wanted);
  const stateless = state === undefined ? undefined : paths.find((each) => !hasState(each));
  if (stateless !== undefined) throw fault('no_state', { field: 'path' });
  return paths.map((each) => ({ path: each, ...(position && { position }), ...(state && { state }) }));
}

function mustBePublic(path: string, isPublic: Paths['isPublic']): void {
  const wrong = pathFault(path);
  if (wrong !== null) throw fault(wrong, { field: 'path' });
  if (isPublic(path)) return;
  const advice = `"${path}" is not public, and GET hears nothing else: a token goes into the "open" frame of a POST. The configuration line "public": [${JSON.stringify(path)}] would open it to everybody.`;
  throw fault('not_granted', { message: advice, field: 'path' });
}

/** Returns whether a URL is percent-encoded UTF-8: the library leaves other bytes as they are. */
function isEncodedUtf8(url: string): boolean {
  try {
    return decodeURIComponent(url) !== '';
  } catch {
    return false;
  }
}

/** Returns the position in an `epoch:offset` id of our streams; other ids are ignored. */
function lastEventId(header: string | string[] | undefined): Position | undefined {
  const [, epoch, offset] = /^([^:]{1,64}):(\d{1,15})$/.exec(String(header ?? '')) ?? [];
  return epoch === undefined || offset === undefined ? undefined : { epoch, offset: Number(offset) };
}

/**
 * Returns how a stream follows the state. An `EventSource` reconnects with the same URL, so it gets another snapshot
 * after the updates that it missed.
 */
function stateOf(wanted: string | string[] | undefined): SubscribeItem['state'] {
  if (wanted === undefined) return undefined;
  if (wanted === 'snapshot') return wanted;
  throw fault('bad_field', { field: 'state', message: 'The state can only be "snapshot" here.' });
}
