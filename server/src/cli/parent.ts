/**
 * Notices that the script of npm (or pnpm, yarn, npx) which started this process has ended. Its shell passes no signal on, so a
 * supervisor that ends npm would leave the server running, and its port taken.
 */
const LOOK_MS = 250;

/** Whether a script of a package manager started this process. */
const isScript = (): boolean => process.env['npm_lifecycle_event'] !== undefined;

/** Calls `gone` once, when the process that started this one has ended, if that was a script. */
export function watchParent(gone: () => void): void {
  const parent = process.ppid;
  // 1 has taken it over already: it was started to outlive its script.
  if (!isScript() || parent === 1) return;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, LOOK_MS);
  timer.unref();
}
