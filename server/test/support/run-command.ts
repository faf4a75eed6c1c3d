/** Runs the command line in this process. */
import { vi } from 'vitest';
import { main } from '../../src/cli/main.js';

/** Runs a command; answers what it printed and how it ended. Undoes all mocks. */
export async function runCommand(
  ...args: string[]
): Promise<{ out: string; err: string; code: number | string }> {
  const printed = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed.err += text;
    return true;
  });
  await main(['node', 'dobby', ...args]);
  vi.restoreAllMocks();
  return { ...printed, code: process.exitCode ?? 0 };
}
