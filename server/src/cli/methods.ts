/** `dobby update`, `history`, `sessions`, `info` and `kick`: what the API's methods of these names do, from a shell. */
import { CommandError, call, print, type Remote } from './client.js';

/** Sessions of one answer; the API gives no more. */
const PAGE = 1_000;

/** Which sessions are listed. */
export interface SessionFlags extends Remote {
  readonly user?: string;
  readonly login?: string;
  readonly transport?: string;
  readonly address?: string;
  readonly limit?: string;
}

/** Publishes an update and prints its position. A message that is not JSON is sent as text. */
export async function update(
  path: string,
  message: string,
  flags: Remote & { readonly except?: string; readonly stateKey?: string },
): Promise<void> {
  const except = flags.except?.split(',').map((id) => id.trim());
  print(await call(flags, 'update', { path, message: parseMessage(message), key: flags.stateKey, except }));
}

function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Prints the newest updates that the log of a path holds, the oldest first; by default as many as the API gives. */
export async function history(path: string, flags: Remote & { readonly limit?: string }): Promise<void> {
  const limit = limitOf(flags, /^\d+$/, '--limit is a number');
  const answer = await call(flags, 'history', { path, reverse: true, limit });
  for (const update of (answer as { updates: readonly object[] }).updates.toReversed()) print(update);
}

/** Prints the sessions, a JSON line each, in the order of their ids; all of them unless there is a limit. */
export async function sessions(flags: SessionFlags): Promise<void> {
  const { user, login, transport, address } = flags;
  let left = limitOf(flags, /^[1-9]\d*$/, '--limit is a number from 1 on') ?? Number.POSITIVE_INFINITY;
  let after: string | undefined;
  do {
    const page = { limit: Math.min(PAGE, left), after };
    const answer = (await call(flags, 'sessions', { user, login, transport, address, ...page })) as {
      sessions: readonly object[];
      next: string | null;
    };
    for (const session of answer.sessions) print(session);
    left -= answer.sessions.length;
    after = answer.next ?? undefined;
  } while (after !== undefined && left > 0);
}

function limitOf({ limit }: { readonly limit?: string }, shape: RegExp, rule: string): number | undefined {
  if (limit !== undefined && !shape.test(limit)) throw new CommandError(rule);
  return limit === undefined ? undefined : Number(limit);
}

/** Prints version, uptime and counters. */
export async function info(flags: Remote): Promise<void> {
  print(await call(flags, 'info', {}));
}

/** Ends a session, or all of a user or a login, and prints how many ended. */
export async function kick(
  id: string | undefined,
  flags: Remote & { readonly user?: string; readonly login?: string; readonly reconnect?: boolean },
): Promise<void> {
  const { user, login, reconnect = true } = flags;
  if ([id, user, login].filter((name) => name !== undefined).length !== 1) {
    throw new CommandError('name one session by its id, or all of one user (--user) or one login (--login)');
  }
  print(await call(flags, 'kick', { id, user, login, reconnect }));
}
