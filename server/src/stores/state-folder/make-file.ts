/** Creates files atomically: when several processes create the same file at once, exactly one succeeds. */
import { linkSync, writeFileSync } from 'node:fs';

const FILE_MODE = 0o600;

/** Links `own`, which holds `text`, as `file`; returns false when `file` exists. @throws errors of the file system */
export function makeFile(own: string, file: string, text: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
  }
  // Not every file system has links. Without them a reader may see an incomplete file for a moment.
  try {
    writeFileSync(file, text, { mode: FILE_MODE, flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
