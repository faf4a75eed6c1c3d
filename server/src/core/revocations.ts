/**
 * What was taken back within one ticket lifetime: sessions that have ended and paths that were taken from one. A
 * ticket made before is refused, or loses the path. Kept until every such ticket has expired, and handed to
 * a journal so that a restart does not forget.
 */
import type { TicketClaims } from './ticket.js';

/** One thing taken back. */
export interface Revocation {
  /** The session. */
  readonly id: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** The path taken; absent when the whole session has ended. */
  readonly path?: string;
  /** Whether the client may not come back as a new session. */
  readonly isFinal?: boolean;
  /** Whether it is the end of a session that nothing was ever granted to: there may be very many of these. */
  readonly isEmpty?: boolean;
  /** The user that the back end named with the path: it is taken from a session of that user only, null for one without. */
  readonly user?: string | null;
}

/** Writes revocations where they outlive the process. */
export interface RevocationJournal {
  /** Resolves when the record is safe. */
  write(revocation: Revocation): Promise<void>;
}

interface Taken {
  at: number;
  endedAt: number | null;
  isFinal: boolean;
  paths: Map<string, Revocation> | null;
}

/** Ids of ended sessions that nothing was ever granted to, kept at the most. */
const MAX_EMPTY = 100_000;

/** The revocations that are still of use. */
export class Revocations {
  readonly #journal: RevocationJournal;
  readonly #records = new Map<string, Taken>();
  /** Sessions that ended with nothing to their name: since when. */
  readonly #empty = new Map<string, number>();

  constructor(journal: RevocationJournal, loaded: readonly Revocation[] = []) {
    this.#journal = journal;
    this.load(loaded);
  }

  /** Knows what was recorded by another server; the same may come again. */
  load(recorded: readonly Revocation[]): void {
    for (const revocation of recorded) this.#note(revocation);
  }

  /** Takes effect at once; the promise says when it is safe. */
  add(revocation: Revocation): Promise<void> {
    this.#note(revocation);
    return this.#journal.write(revocation);
  }

  /** Whether the session of this id has ended, and whether for good. */
  ended(id: string): 'no' | 'ended' | 'dismissed' {
    if (this.#empty.has(id)) return 'ended';
    const record = this.#records.get(id);
    if (record === undefined || record.endedAt === null) return 'no';
    return record.isFinal ? 'dismissed' : 'ended';
  }

  /** The paths that a ticket of this content no longer carries. */
  pathsTaken({ id, issuedAt, user, grants }: TicketClaims): string[] {
    const taken = [...(this.#records.get(id)?.paths?.values() ?? [])];
    return (
      taken
        .filter((revocation) => revocation.user === undefined || revocation.user === user)
        // What was taken before the ticket was made, and granted since, is among its grants.
        .filter(({ at, path = '' }) => at >= issuedAt || grants?.includes(path) !== true)
        .map(({ path = '' }) => path)
    );
  }

  /** Forgets what is older than `before`, when no ticket from then is left. */
  prune(before: number): void {
    for (const [id, record] of this.#records) {
      if (record.at < before) this.#records.delete(id);
      else for (const [path, { at }] of record.paths ?? []) if (at < before) record.paths?.delete(path);
    }
    for (const [id, at] of this.#empty) if (at < before) this.#empty.delete(id);
  }

  /** Of these the oldest are forgotten when there are too many. */
  #noteEmpty(id: string, at: number): void {
    this.#empty.set(id, at);
    if (this.#empty.size <= MAX_EMPTY) return;
    for (const oldest of this.#empty.keys()) return void this.#empty.delete(oldest);
  }

  #note(revocation: Revocation): void {
    const { id, at, path, isFinal, isEmpty } = revocation;
    if (isEmpty === true) return this.#noteEmpty(id, at);
    const record = this.#records.get(id) ?? { at, endedAt: null, isFinal: false, paths: null };
    record.at = Math.max(record.at, at);
    if (path === undefined) {
      record.endedAt = at;
      record.isFinal ||= isFinal === true;
    } else {
      record.paths ??= new Map();
      record.paths.set(path, revocation);
    }
    this.#records.set(id, record);
  }
}
