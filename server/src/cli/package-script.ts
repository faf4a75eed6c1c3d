/**
 * Watches the package manager's script (npm, pnpm, yarn, npx) that started this process. Its shell forwards no signals: a
 * supervisor that ends npm would leave the server running on its port.
 */
const POLL_MS = 250;

const isPackageScript = (): boolean => process.env['npm_lifecycle_event'] !== undefined;

/** Calls `onExit` once after the package script that started this process has ended. Does nothing without such a script. */
export function watchPackageScript(onExit: () => void): void {
  const parent = process.ppid;
  // Process 1 as parent: the script has ended already, and this process was meant to outlive it.
  if (!isPackageScript() || parent === 1) return;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onExit();
  }, POLL_MS);
  timer.unref();
}
