/**
 * What was taken back within one ticket lifetime: sessions that have ended and paths that were taken from one. A
 * ticket made before is refused, or loses the path. Kept until every such ticket has expired, and handed to
 * a journal so that a restart does not forget.
 */

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
  paths: Map<string, number> | null;
}

/** The revocations that are still of use. */
export class Revocations {
  readonly #journal: RevocationJournal;
  readonly #records = new Map<string, Taken>();

  constructor(journal: RevocationJournal, loaded: readonly Revocation[] = []) {
    this.#journal = journal;
    for (const revocation of loaded) this.#note(revocation);
  }

  /** Takes effect at once; the promise says when it is safe. */
  add(revocation: Revocation): Promise<void> {
    this.#note(revocation);
    return this.#journal.write(revocation);
  }

  /** Whether the session of this id has ended, and whether for good. */
  ended(id: string): 'no' | 'ended' | 'dismissed' {
    const record = this.#records.get(id);
    if (record === undefined || record.endedAt === null) return 'no';
    return record.isFinal ? 'dismissed' : 'ended';
  }

  /** When `path` was last taken from the session; null when it was not. */
  takenAt(id: string, path: string): number | null {
    return this.#records.get(id)?.paths?.get(path) ?? null;
  }

  /** The paths taken from the session. */
  pathsTaken(id: string): Iterable<string> {
    return this.#records.get(id)?.paths?.keys() ?? [];
  }

  /** Forgets what is older than `before`, when no ticket from then is left. */
  prune(before: number): void {
    for (const [id, record] of this.#records) if (record.at < before) this.#records.delete(id);
  }

  #note({ id, at, path, isFinal }: Revocation): void {
    const record = this.#records.get(id) ?? { at, endedAt: null, isFinal: false, paths: null };
    record.at = Math.max(record.at, at);
    if (path === undefined) {
      record.endedAt = at;
      record.isFinal ||= isFinal === true;
    } else {
      record.paths ??= new Map();
      record.paths.set(path, at);
    }
    this.#records.set(id, record);
  }
}
