/**
 * Checks the rights of files with secrets, and of files that decide about trust. Modes on Windows have no such rights.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;
const ALL_RIGHTS = 0o777;

/** Returns why a file is refused, to follow its name: every user may change it. Null for a safe or an absent file. */
export function refusedRights(file: string): string | null {
  const mode = modeOf(file);
  if (mode === null || (mode & OTHERS_WRITE) === 0) return null;
  return `can be changed by every user of this machine (mode ${shown(mode)}): ${adviceFor(file)}`;
}

/** Returns a warning when every user may read this secret, or its group change it; else null. */
export function looseRights(file: string): string | null {
  const mode = modeOf(file);
  if (mode === null) return null;
  const isOpen = ((modeOf(dirname(file)) ?? 0) & OTHERS_ENTER) !== 0;
  if (isOpen && (mode & OTHERS_READ) !== 0) {
    return warningOf(file, mode, 'read by every user of this machine');
  }
  return (mode & GROUP_WRITES) === 0 ? null : warningOf(file, mode, 'changed by its group');
}

const warningOf = (file: string, mode: number, use: string): string =>
  `"${file}" holds secrets and can be ${use} (mode ${shown(mode)}): ${adviceFor(file)}`;

const shown = (mode: number): string => mode.toString(8).padStart(4, '0');
const adviceFor = (file: string): string => `run chmod 600 "${file}"`;

function modeOf(file: string): number | null {
  if (process.platform === 'win32') return null;
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  return mode === undefined ? null : mode & ALL_RIGHTS;
}
