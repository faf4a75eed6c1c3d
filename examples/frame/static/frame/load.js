/**
 * Loads a module from Dobby, however long Dobby is away: the page shows what it has without it.
 * A bundler, or a copy of the file beside the page, makes this a plain `import`.
 */
const AGAIN_MS = 2_000;

/** Gives the module; `away` is called whenever it could not be had. */
export async function load(url, away) {
  for (let tries = 0; ; tries++) {
    try {
      // Browsers may remember that an address failed.
      return await import(`${url}${tries === 0 ? '' : `?${tries}`}`);
    } catch {
      away();
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
