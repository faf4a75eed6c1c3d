/** Who may read and change a file that holds secrets, or decides whom the server believes. Windows has no such rights in its modes. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;
const ALL_RIGHTS = 0o777;

/**
 * Returns why a file is refused, to go after its name: everybody may change it. Null when that is not so, or there is no such file.
 */
export function refusedRights(file: string): string | null {
  const mode = modeOf(file);
  if (mode === null || (mode & OTHERS_WRITE) === 0) return null;
  return `can be changed by everybody on this machine (mode ${shown(mode)}): ${adviceFor(file)}`;
}

/** Returns what is to be warned of: everybody may read this secret, or a group change it. Null when that is not so. */
export function looseRights(file: string): string | null {
  const mode = modeOf(file);
  if (mode === null) return null;
  const isOpen = ((modeOf(dirname(file)) ?? 0) & OTHERS_ENTER) !== 0;
  if (isOpen && (mode & OTHERS_READ) !== 0) {
    return `"${file}" holds secrets and can be read by everybody on this machine (mode ${shown(mode)}): ${adviceFor(file)}`;
  }
  if ((mode & GROUP_WRITES) === 0) return null;
  return `"${file}" holds secrets and can be changed by its group (mode ${shown(mode)}): ${adviceFor(file)}`;
}

const shown = (mode: number): string => mode.toString(8).padStart(4, '0');
const adviceFor = (file: string): string => `chmod 600 "${file}"`;

function modeOf(file: string): number | null {
  if (process.platform === 'win32') return null;
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  return mode === undefined ? null : mode & ALL_RIGHTS;
}
