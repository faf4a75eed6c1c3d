/** A look at a path for a back end, whether or not somebody is connected to it. */
import { pathFault } from '../../../protocol/paths.js';
import type { Dispatcher } from '../core/hub/dispatcher.js';
import type { Path } from '../core/hub/path.js';
import { fault } from '../http/http-errors.js';

/** Lets `read` look at a path; nothing of it may be kept. @throws RequestFault that names `field` when it is no path */
export function withPath<T>(
  dispatcher: Dispatcher,
  { name, field = 'path' }: { readonly name: string; readonly field?: string },
  read: (path: Path) => T,
): T {
  const wrong = pathFault(name);
  if (wrong !== null) throw fault(wrong, { field });
  return dispatcher.look(name, read);
}
