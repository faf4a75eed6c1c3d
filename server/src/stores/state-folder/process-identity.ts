/** Identifies a process, also against a later one with the same pid. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

/** Fields of `/proc/<pid>/stat` after the command's name (proc(5)): state is the 3rd of all, the start the 22nd. */
const STATE_FIELD = 0;
const START_FIELD = 19;
/** A process that has ended, and that its parent has not reaped. */
const ENDED = /^[ZX]/;

/** Validates an identity. */
export const processIdentitySchema = z.object({
  pid: z.int().min(1),
  /** Its start time, as the system writes it; null where it is unknown. */
  start: z.string().nullable(),
  /** Machine, boot and process namespace, within which a pid is unique at any time. */
  place: z.string(),
  host: z.string(),
});

/** Identifies a process. */
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** Returns the identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, start: startOf(process.pid), place: placeOf(), host: hostname() };
}

/** Returns whether a process still runs; null when it is in another place, where this process cannot look. */
export function isRunning({ pid, start, place }: ProcessIdentity): boolean | null {
  if (place !== placeOf()) return null;
  let isHidden = !existsSync('/proc/self/stat');
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    // The process belongs to another user, and the system may hide it.
    isHidden = true;
  }
  const now = startOf(pid);
  if (now === null) return isHidden;
  return start === null || now === start;
}

/** Returns the start time of a process; null where it is unknown, or the process has ended. */
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
    // Only Linux has namespaces.
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
