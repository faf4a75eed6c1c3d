/** `dobby sessions`, `dobby info` and `dobby kick`: what the methods of the API of these names do, from a shell. */
import { CommandError, call, type Remote } from './client.js';

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

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

/** Prints the sessions, a JSON line each, in the order of their ids; all of them unless there is a limit. */
export async function sessions(flags: SessionFlags): Promise<void> {
  const { user, login, transport, address, limit } = flags;
  if (limit !== undefined && !/^[1-9]\d*$/.test(limit))
    throw new CommandError('--limit is a number from 1 on');
  let left = limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  let after: string | null = null;
  do {
    const page = { limit: Math.min(PAGE, left), ...(after === null ? {} : { after }) };
    const answer = (await call(flags, 'sessions', { user, login, transport, address, ...page })) as {
      sessions: readonly object[];
      next: string | null;
    };
    for (const session of answer.sessions) print(session);
    left -= answer.sessions.length;
    after = answer.next;
  } while (after !== null && left > 0);
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
