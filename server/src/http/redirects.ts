/** Says where an answer leads: nothing here follows redirects, since a POST that follows one may become a GET, and a key would go along. */

/** Longer addresses are cut. */
const MAX_SHOWN = 200;

/**
 * Returns where an answer leads that came from `from`, without name, password, query and fragment, in which secrets may stand. Null when
 * it is no redirect, or names no address.
 */
export function redirectTarget(
  status: number,
  location: string | readonly string[] | null | undefined,
  from: string,
): string | null {
  if (status < 300 || status >= 400) return null;
  const named = typeof location === 'string' ? location : location?.[0];
  if (named === undefined || named === '' || !URL.canParse(named, from)) return null;
  const { protocol, host, pathname } = new URL(named, from);
  return `${protocol}//${host}${pathname}`.slice(0, MAX_SHOWN);
}

/** Says of a redirect where it leads and what to do, as the end of a sentence; empty for every other status. */
export function redirectAdvice(
  status: number,
  location: string | readonly string[] | null | undefined,
  { from, setting }: { readonly from: string; readonly setting: string },
): string {
  if (status < 300 || status >= 400 || status === 304) return '';
  const target = redirectTarget(status, location, from);
  if (target === null) return ': it redirects without an address, and redirects are not followed';
  return `: it redirects to "${target}", and redirects are not followed: name the final address in ${setting}`;
}
