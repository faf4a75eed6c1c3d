/** Files that appear whole, and only where there is none: of several processes that make one at once, one does. */
import { linkSync, writeFileSync } from 'node:fs';

const FILE_MODE = 0o600;

/** Makes `file` of `own`, a file beside it that holds `text`; false when there is a `file` already. @throws what the file system does */
export function makeFile(own: string, file: string, text: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
  }
  // Not every file system has links; then it may be seen half for a moment.
  try {
    writeFileSync(file, text, { mode: FILE_MODE, flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
