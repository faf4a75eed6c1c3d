/**
 * Opens connections: reads the ticket, admits, authenticates, then gives the connection its session. That is a new one,
 * a live one, or one that the ticket restores. Nothing is created before; the bytes of waiting openings are bounded.
 */
import type { OpenFrame } from '../../../../protocol/frames.js';
import { ADDRESS_PAUSE_MS, type AddressGuard } from '../access/address-guard.js';
import type { AuthProviders, Identity } from '../access/identity.js';
import type { RevocationList } from '../access/revocation-list.js';
import type { TicketSigner } from '../access/ticket.js';
import { ByteBudget } from '../data/byte-budget.js';
import type { Counters } from '../data/counters.js';
import { type PathTable, tableOf } from '../data/path-table.js';
import type { Carrier } from '../session/connection.js';
import type { Session, SessionConnection } from '../session/session.js';
import type { SessionObserver } from '../session/session-observer.js';
import type { SessionSnapshot } from '../session/session-snapshot.js';
import type { Clock } from '../time/clock.js';
import { Frame } from '../wire/frame.js';
import type { Admission } from './admission.js';
import {
  Authenticator,
  type HandshakeRequest,
  NOT_AUTHENTICATED,
  type Opening,
  revoked,
  WITHOUT_CLIENT,
} from './authenticator.js';
import { openedFrame } from './opened-frame.js';
import { MAX_OPENING_BYTES, OPENING_RETRY_MS, openingBytes } from './opening-bytes.js';
import { snapshotOfTicket } from './restore.js';
import { type Refusal, type ResumeResult, refusal, resumeByTicket } from './resume-result.js';
import { isOtherUser } from './session-identity.js';
import type { SessionSettings } from './session-settings.js';

/** An opened connection, or the refusal with the way its transport closes. */
export type OpenOutcome = { readonly session: Session; readonly connection: SessionConnection } | Refusal;

/** The part of the session table that a handshake uses. */
export interface SessionTable {
  readonly all: ReadonlyMap<string, Session>;
  /** Whether there is no room for another idle session. */
  readonly isFull: boolean;
  create(isRaw: boolean): Session;
  /** Restores a session without what was revoked since `issuedAt`. */
  restore(snapshot: SessionSnapshot, issuedAt: number): Session;
  identify(session: Session, identity: Identity): void;
  attach(session: Session, carrier: Carrier): SessionConnection;
  issueTicket(session: Session): string;
  /** Subscribes a session to broadcasts, if there ever was one. */
  hearBroadcasts(session: Session): void;
  /** Ends the session of a ticket, live or not, since its client is another user now. */
  replace(former: ResumeResult): void;
}

/** Options of `Handshake`. */
export interface HandshakeOptions {
  readonly authProviders: AuthProviders;
  readonly isPublic: (path: string) => boolean;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly tickets: TicketSigner;
  readonly revocations: RevocationList;
  readonly settings: SessionSettings;
  readonly guard: AddressGuard;
  readonly admission: Admission;
  readonly observer?: SessionObserver;
}

export class Handshake {
  readonly #table: SessionTable;
  readonly #options: HandshakeOptions;
  readonly #authenticator: Authenticator;
  /** Bytes of the openings that wait for their authentication. */
  readonly #waitingBytes = new ByteBudget(MAX_OPENING_BYTES);
  #openings = 0;

  constructor(table: SessionTable, options: HandshakeOptions) {
    this.#table = table;
    this.#options = options;
    this.#authenticator = new Authenticator(options);
  }

  /**
   * Opens a session over `carrier`, or resumes the one of the frame's ticket: at once, or after its authentication. The
   * promise never rejects.
   */
  open(
    frame: OpenFrame,
    carrier: Carrier,
    { visitor, isGone }: HandshakeRequest = WITHOUT_CLIENT,
  ): OpenOutcome | Promise<OpenOutcome> {
    const resume = this.#recognize(frame);
    if ('error' in resume) return resume;
    if (isSuperseded(resume, frame)) return refusal('superseded', 'superseded');
    const refused = this.#refuseAddress(resume, carrier, frame) ?? this.#admit(resume);
    if (refused !== null) return refused;
    const opening = { frame, carrier, number: ++this.#openings };
    const bytes = openingBytes(frame);
    if (this.#waitingBytes.held + bytes > MAX_OPENING_BYTES)
      return { ...refusal('too_many_opens', 'busy'), reconnectAfterMs: OPENING_RETRY_MS };
    const answer = carrier.isRaw ? null : this.#authenticator.authenticate(frame, resume, visitor);
    if (answer === null) return this.#finish(resume, { ...opening, result: NOT_AUTHENTICATED });
    if ('error' in answer) return answer;
    this.#waitingBytes.take(bytes);
    return answer.then((result) => {
      this.#waitingBytes.release(bytes);
      if ('error' in result) return result;
      return this.#finishLater({ ...opening, result }, isGone());
    });
  }

  /** Repeats all checks, since the state may have changed during the authentication. */
  #finishLater(opening: Opening, isGone: boolean): OpenOutcome {
    const { frame, carrier, result } = opening;
    const resume = this.#recognize(frame);
    if ('error' in resume) return resume;
    if (this.#options.admission.isFrozen) return this.#admit(resume) ?? refusal('restarting', 'restarting');
    if (isGone) return refusal('unknown_session', 'busy');
    if (this.#isFull(resume)) return refusal('too_many_sessions', 'busy');
    const crowd = isNew(resume) ? this.#options.guard.crowd(carrier.address) : null;
    if (crowd !== null) return { ...refusal(crowd, 'busy'), reconnectAfterMs: ADDRESS_PAUSE_MS };
    if (isSuperseded(resume, frame)) return refusal('superseded', 'superseded');
    if ('session' in resume && resume.session.isTakenSince({ ...opening, attempt: frame.attempt }))
      return refusal('taken_over', 'taken_over');
    const { identity } = result;
    if (identity !== null && this.#options.revocations.isRevoked(identity)) return revoked(identity);
    const user = 'session' in resume ? resume.session.user : 'claims' in resume ? resume.claims.user : null;
    if (!isOtherUser(user, identity)) return this.#finish(resume, opening);
    this.#table.replace(resume);
    return this.#finish({ refused: 'user_mismatch' }, opening);
  }

  #finish(resume: ResumeResult, { frame, carrier, number, result }: Opening): OpenOutcome {
    const { counters, clock, settings, observer } = this.#options;
    const table = this.#table;
    const session = this.#sessionOf(resume, carrier);
    if (result.identity !== null) table.identify(session, result.identity);
    session.opened({ number, attempt: frame.attempt });
    const connection = table.attach(session, carrier);
    const isResumed = !isNew(resume);
    if (isResumed) counters.resumed++;
    else counters.opened++;
    observer?.opened(session, isResumed);
    if (!session.isRaw) {
      const ticket = table.issueTicket(session);
      const { pingIntervalMs } = settings;
      session.tell(
        Frame.of(openedFrame(session, { resumed: resume, ticket, now: clock.now(), pingIntervalMs })),
      );
    }
    if (isResumed) session.paths.expireTokens();
    if (isResumed && result.identity !== null) session.paths.recheck();
    const refusedPaths = result.refused === null ? null : tableOf(result.refused);
    this.#subscribe(session, frame, { isResumed, refusedPaths });
    return { session, connection };
  }

  #subscribe(
    session: Session,
    { paths = [] }: OpenFrame,
    { isResumed, refusedPaths }: { isResumed: boolean; refusedPaths: PathTable<true> | null },
  ): void {
    if (isResumed) session.paths.resume(paths, refusedPaths);
    else if (paths.length > 0) session.paths.want(paths, refusedPaths);
    this.#table.hearBroadcasts(session);
  }

  #sessionOf(resume: ResumeResult, { isRaw }: Carrier): Session {
    if ('session' in resume) return resume.session;
    if (!('claims' in resume)) return this.#table.create(isRaw);
    const snapshot = snapshotOfTicket(resume.claims, this.#options.clock.now());
    return this.#table.restore(snapshot, resume.claims.issuedAt);
  }

  /** Returns why the address may not open a connection now, or null; live sessions may always be resumed. */
  #refuseAddress(resume: ResumeResult, { address }: Carrier, { paths = [] }: OpenFrame): Refusal | null {
    const { admission, guard } = this.#options;
    if (admission.isFrozen || 'session' in resume) return null;
    const code = guard.opens(address, isNew(resume), paths.length);
    return code && { ...refusal(code, 'busy'), reconnectAfterMs: ADDRESS_PAUSE_MS };
  }

  /** Returns why no connection may be opened now, with the time to come back if it is known, or null. */
  #admit(resume: ResumeResult): Refusal | null {
    const wait = this.#options.admission.admit('session' in resume);
    if (wait === null) return this.#isFull(resume) ? refusal('too_many_sessions', 'busy') : null;
    const { code, reconnectAfterMs } = wait;
    if (code === 'too_many_opens') this.#options.counters.delayed++;
    return { ...refusal(code, code === 'restarting' ? 'restarting' : 'busy'), reconnectAfterMs };
  }

  #isFull(resume: ResumeResult): boolean {
    return isNew(resume) && this.#table.isFull;
  }

  #recognize({ ticket }: OpenFrame): ResumeResult | Refusal {
    const { tickets, revocations, settings } = this.#options;
    const { ticketsCarryGrants } = settings;
    return resumeByTicket(ticket, { tickets, revocations, sessions: this.#table.all, ticketsCarryGrants });
  }
}

/** Returns whether a new session is to be created. */
function isNew(resume: ResumeResult): boolean {
  return 'refused' in resume;
}

/** Returns whether the client has taken its session by a later attempt. */
function isSuperseded(resume: ResumeResult, { attempt }: OpenFrame): boolean {
  return 'session' in resume && resume.session.hasNewerAttempt(attempt);
}
