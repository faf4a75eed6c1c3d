/** Tells a process from every other, also from a later one that gets its number. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

/** Fields of `/proc/<pid>/stat` after the name of the command (proc(5)): state is the 3rd of all, the start the 22nd. */
const STATE_FIELD = 0;
const START_FIELD = 19;
/** A process that has ended and whose parent has not looked. */
const ENDED = /^[ZX]/;

/** The form of an identity as text. */
export const processIdentitySchema = z.object({
  pid: z.int().min(1),
  /** When it started, as the system writes it; null where that cannot be known. */
  start: z.string().nullable(),
  /** Machine, boot and process namespace: within one of these a number means one process at a time. */
  place: z.string(),
  host: z.string(),
});

/** A process. */
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** Returns the identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, start: startOf(process.pid), place: placeOf(), host: hostname() };
}

/** Whether a process still runs; null where this process cannot know, because it runs in another place. */
export function isRunning({ pid, start, place }: ProcessIdentity): boolean | null {
  if (place !== placeOf()) return null;
  let isHidden = !existsSync('/proc/self/stat');
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    // It is another user's, of whom the system may show nothing.
    isHidden = true;
  }
  const now = startOf(pid);
  if (now === null) return isHidden;
  return start === null || now === start;
}

/** When a process started; null where that is not known, or it has ended. */
function startOf(pid: number): string | null {
  if (!existsSync('/proc/self/stat')) {
    const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout?.trim() || null;
  }
  const stat = textOf(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined || ENDED.test(fields[STATE_FIELD] ?? '')) return null;
  return fields[START_FIELD] ?? null;
}

function placeOf(): string {
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // only Linux has them
  }
  return [hostname(), textOf('/proc/sys/kernel/random/boot_id')?.trim() ?? '', namespace].join(' ');
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}
