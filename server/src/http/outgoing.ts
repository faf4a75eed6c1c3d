/**
 * Says why a request of this server got no good answer. Redirects are not followed: a POST that follows one may become a
 * GET, and a key would go along.
 */

/** Longer addresses are cut. */
const MAX_SHOWN = 200;

/** Says of a redirect where it leads and what to do, as the end of a sentence; empty for every other status. */
export function redirectAdvice(
  status: number,
  location: string | readonly string[] | null | undefined,
  { from, setting }: { readonly from: string; readonly setting: string },
): string {
  if (status < 300 || status >= 400 || status === 304) return '';
  const named = typeof location === 'string' ? location : location?.[0];
  if (!named || !URL.canParse(named, from))
    return ': it redirects without an address, and redirects are not followed';
  // Without name, password, query and fragment, in which secrets may stand.
  const { protocol, host, pathname } = new URL(named, from);
  const target = `${protocol}//${host}${pathname}`.slice(0, MAX_SHOWN);
  return `: it redirects to "${target}", and redirects are not followed: name the final address in ${setting}`;
}

/** Returns the message of a failed request; the HTTP client wraps those of several addresses in one error. */
export function failureMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(failureMessage).join('; ');
  return error instanceof Error ? error.message : String(error);
}
