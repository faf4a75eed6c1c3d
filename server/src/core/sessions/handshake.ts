/**
 * Opens connections: reads the ticket, admits, authenticates, then gives the connection its session. That is a new one,
 * a live one, or one that the ticket restores. Nothing is created before; the bytes of waiting openings are bounded.
 */
import type { OpenedFrame, OpenFrame } from '../../../../protocol/frames.js';
import { ADDRESS_PAUSE_MS } from '../access/address-guard.js';
import { ByteBudget } from '../data/byte-budget.js';
import { type PathTable, tableOf } from '../data/path-table.js';
import type { Carrier } from '../session/connection.js';
import type { CoreContext } from '../session/core-context.js';
import type { Session, SessionConnection } from '../session/session.js';
import type { SessionSnapshot } from '../session/session-snapshot.js';
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
import type { Features } from './features.js';
import { MAX_OPENING_BYTES, OPENING_RETRY_MS, openingBytes } from './opening-bytes.js';
import { snapshotOfTicket } from './restore.js';
import { type Refusal, type ResumeResult, refusal, resumeByTicket } from './resume-result.js';
import { isOtherUser, type SessionIdentity } from './session-identity.js';
import type { TicketRenewal } from './ticket-renewal.js';

/** An opened connection, or the refusal with the way its transport closes. */
export type OpenOutcome = { readonly session: Session; readonly connection: SessionConnection } | Refusal;

/** The part of the session table that a handshake uses. */
export interface SessionTable {
  readonly all: ReadonlyMap<string, Session>;
  /** Whether there is no room for another idle session. */
  isFull(): boolean;
  create(isRaw: boolean): Session;
  /** Restores a session without what was revoked since `issuedAt`. */
  restore(snapshot: SessionSnapshot, issuedAt: number): Session;
  attach(session: Session, carrier: Carrier): SessionConnection;
  /** Subscribes a session to broadcasts, if there ever was one. */
  hearBroadcasts(session: Session): void;
  /** Ends the session of a ticket, live or not, since its client is another user now. */
  replace(former: ResumeResult): void;
}

/** What a handshake acts on. */
export interface HandshakeParts {
  readonly table: SessionTable;
  readonly features: Features;
  readonly admission: Admission;
  readonly identity: SessionIdentity;
  readonly tickets: TicketRenewal;
}

export class Handshake {
  readonly #context: CoreContext;
  readonly #parts: HandshakeParts;
  readonly #authenticator: Authenticator;
  /** Bytes of the openings that wait for their authentication. */
  readonly #waitingBytes = new ByteBudget(MAX_OPENING_BYTES);
  #openings = 0;

  constructor(context: CoreContext, parts: HandshakeParts) {
    this.#context = context;
    this.#parts = parts;
    this.#authenticator = new Authenticator(context);
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
    if (this.#context.isFrozen()) return this.#admit(resume) ?? refusal('restarting', 'restarting');
    if (isGone) return refusal('unknown_session', 'busy');
    if (this.#isFull(resume)) return refusal('too_many_sessions', 'busy');
    const crowd = isNew(resume) ? this.#context.guard.crowd(carrier.address) : null;
    if (crowd !== null) return { ...refusal(crowd, 'busy'), reconnectAfterMs: ADDRESS_PAUSE_MS };
    if (isSuperseded(resume, frame)) return refusal('superseded', 'superseded');
    if ('session' in resume && resume.session.isTakenSince({ ...opening, attempt: frame.attempt }))
      return refusal('taken_over', 'taken_over');
    const { identity } = result;
    if (identity !== null && this.#context.revocations.isRevoked(identity)) return revoked(identity);
    const user = 'session' in resume ? resume.session.user : 'claims' in resume ? resume.claims.user : null;
    if (!isOtherUser(user, identity)) return this.#finish(resume, opening);
    this.#parts.table.replace(resume);
    return this.#finish({ refused: 'user_mismatch' }, opening);
  }

  #finish(resume: ResumeResult, { frame, carrier, number, result }: Opening): OpenOutcome {
    const { counters } = this.#context;
    const { features, identity, table } = this.#parts;
    const session = this.#sessionOf(resume, carrier);
    if (result.identity !== null) identity.identify(session, result.identity);
    session.opened({ number, attempt: frame.attempt });
    const connection = table.attach(session, carrier);
    const isResumed = !isNew(resume);
    if (isResumed) counters.resumed++;
    else counters.opened++;
    if (!session.isRaw) session.tell(Frame.of(this.#openedFrame(session, resume)));
    features.call(isResumed ? 'resumed' : 'opened', session);
    if (isResumed) session.paths.expireTokens();
    if (isResumed && result.identity !== null) session.paths.recheck();
    const refusedPaths = result.refused === null ? null : tableOf(result.refused);
    this.#subscribe(session, frame, { isResumed, refusedPaths });
    return { session, connection };
  }

  #openedFrame(session: Session, resume: ResumeResult): OpenedFrame {
    const { clock, settings } = this.#context;
    const { identity } = session;
    const isResumed = !isNew(resume);
    const expiresAt = identity?.source === 'token' ? identity.expiresAt : null;
    return {
      type: 'opened',
      id: session.id,
      ticket: this.#parts.tickets.issue(session),
      connection: session.connectionNumber,
      resumed: isResumed,
      ...('refused' in resume && resume.refused !== null ? { refused: resume.refused } : {}),
      received: session.received,
      ...(isResumed && session.isForgotten ? { forgot: true } : {}),
      ...(expiresAt === null ? {} : { tokenExpiresInMs: Math.max(0, expiresAt - clock.now()) }),
      pingIntervalMs: settings.pingIntervalMs,
    };
  }

  #subscribe(
    session: Session,
    { paths = [] }: OpenFrame,
    { isResumed, refusedPaths }: { isResumed: boolean; refusedPaths: PathTable<true> | null },
  ): void {
    if (isResumed) session.paths.resume(paths, refusedPaths);
    else if (paths.length > 0) session.paths.want(paths, refusedPaths);
    this.#parts.table.hearBroadcasts(session);
  }

  #sessionOf(resume: ResumeResult, { isRaw }: Carrier): Session {
    if ('session' in resume) return resume.session;
    if (!('claims' in resume)) return this.#parts.table.create(isRaw);
    const snapshot = snapshotOfTicket(resume.claims, this.#context.clock.now());
    return this.#parts.table.restore(snapshot, resume.claims.issuedAt);
  }

  /** Returns why the address may not open a connection now, or null; live sessions may always be resumed. */
  #refuseAddress(resume: ResumeResult, { address }: Carrier, { paths = [] }: OpenFrame): Refusal | null {
    const { guard, isFrozen } = this.#context;
    if (isFrozen() || 'session' in resume) return null;
    const code = guard.opens(address, isNew(resume), paths.length);
    return code && { ...refusal(code, 'busy'), reconnectAfterMs: ADDRESS_PAUSE_MS };
  }

  /** Returns why no connection may be opened now, with the time to come back if it is known, or null. */
  #admit(resume: ResumeResult): Refusal | null {
    const wait = this.#parts.admission.admit('session' in resume);
    if (wait === null) return this.#isFull(resume) ? refusal('too_many_sessions', 'busy') : null;
    const { code, reconnectAfterMs } = wait;
    if (code === 'too_many_opens') this.#context.counters.delayed++;
    return { ...refusal(code, code === 'restarting' ? 'restarting' : 'busy'), reconnectAfterMs };
  }

  #isFull(resume: ResumeResult): boolean {
    return isNew(resume) && this.#parts.table.isFull();
  }

  #recognize({ ticket }: OpenFrame): ResumeResult | Refusal {
    return resumeByTicket(ticket, this.#parts.table.all, this.#context);
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
