/** Takes every command to the back end, and lets take effect what it answers: all of it or nothing. */
import type { CommandErrorCode, ErrorBody, Outcome } from '../../../../protocol/codes.js';
import { errorBody } from '../../../../protocol/codes.js';
import { PatternTable } from '../../../../protocol/patterns.js';
import type { Webhook, WebhookAnswer } from '../../back-end/webhook.js';
import type { Draft } from '../../core/log/update.js';
import type { Session } from '../../core/session/session.js';
import type { Log } from '../../observe/log.js';
import type { Doings } from '../doings.js';
import type { Call, CallOutcome, CommandRouter, Handler } from '../handler.js';
import { commandError, replyFrame } from '../replies.js';
import { type DoneAnswer, readAnswer } from './answer.js';

/** What it stands on. */
export interface BackEndRouterParts {
  readonly webhook: Webhook;
  readonly doings: Doings;
  readonly log: Log;
  /** Patterns of paths on which the commands of a session wait for each other. */
  readonly ordered: readonly string[];
}

const CODES: Record<Extract<WebhookAnswer, { failure: string }>['failure'], CommandErrorCode> = {
  down: 'back_end_down',
  busy: 'back_end_down',
  failed: 'back_end_failed',
};

/** A shorter wait proves nothing about the back end. */
const MIN_TELLING_MS = 5_000;

/** The back end as the handler of every command. */
export class BackEndRouter implements CommandRouter {
  readonly #parts: BackEndRouterParts;
  readonly #ordered: PatternTable<true>;
  readonly #sideBySide: Handler;
  readonly #oneByOne: Handler;

  constructor(parts: BackEndRouterParts) {
    this.#parts = parts;
    this.#ordered = new PatternTable(parts.ordered.map((pattern) => [pattern, true]));
    const name = 'the back end';
    const run = (call: Call): Promise<CallOutcome> => this.#run(call);
    this.#sideBySide = { name, isOrdered: false, run };
    this.#oneByOne = { name, isOrdered: true, run };
  }

  route(path: string): Handler {
    return this.#ordered.find(path) === null ? this.#sideBySide : this.#oneByOne;
  }

  async #run(call: Call): Promise<CallOutcome> {
    const { path, command } = call;
    const answer = await this.#parts.webhook.ask(questionOf(call), {
      signal: call.signal,
      isTelling: () => call.signal.reason === 'timeout' && call.timeoutMs >= MIN_TELLING_MS,
    });
    if ('failure' in answer) {
      if (answer.detail !== undefined) this.#warn(call, answer.detail);
      return { error: commandError(CODES[answer.failure]) };
    }
    const read = readAnswer(answer.json);
    if (typeof read === 'string') {
      this.#warn(call, read);
      return { error: commandError('back_end_failed') };
    }
    if ('error' in read) return { error: read.error };
    const failed = await this.#apply(call.session, read);
    if (failed === null) return { reply: read.reply ?? null };
    if (failed.code === 'state_conflict') return { error: commandError('state_conflict') };
    this.#parts.log.error({ path, command, error: failed }, 'what the back end answered cannot be done');
    return { error: commandError('back_end_failed') };
  }

  /**
   * Checks all of it, then does all of it; an error says why nothing was done. Only a broker that fails, or a server that stops meanwhile, leaves some
   * of it undone.
   */
  async #apply(
    session: Session,
    { reply = null, state, grants, updates, send }: DoneAnswer,
  ): Promise<ErrorBody | null> {
    const { doings } = this.#parts;
    if (typeof replyFrame('', reply) === 'string') return errorBody('too_large', { field: 'reply' });
    const drafts: Draft[] = [];
    for (const [index, update] of updates.entries()) {
      const draft = doings.draft(session, update, `updates.${index}.`);
      if ('error' in draft) return draft.error;
      drafts.push(draft.value);
    }
    const fault =
      grantFault(session, grants) ??
      (state && session.state.fault(state.patch, state.version)) ??
      send
        .map(({ message }, i) => doings.messageFault(message, `send.${i}.message`))
        .find((error) => error !== null) ??
      null;
    if (fault !== null) return fault;
    const refused = await doings.publishAll(drafts, () => {
      if (state !== undefined) session.state.patch(state.patch, state.version);
      if (grants.length > 0) doings.grant(session, grants);
    });
    if (refused !== null) return refused;
    for (const { message, ...to } of send) {
      const outcome: Outcome<unknown> = await doings.send(message, to);
      if ('error' in outcome) return outcome.error;
    }
    return null;
  }

  #warn({ path, command }: Call, detail: string): void {
    this.#parts.log.warn({ path, command, detail }, 'the back end could not answer a command');
  }
}

function grantFault(session: Session, grants: readonly string[]): ErrorBody | null {
  const fault = session.paths.grantFault(grants);
  return fault?.field === undefined ? fault : { ...fault, field: fault.field.replace('paths', 'grants') };
}

function questionOf({ session, uid, path, command, args, isAgain }: Call): object {
  return {
    type: 'command',
    ...{ uid, path, command, args, again: isAgain },
    session: {
      id: session.id,
      user: session.user,
      info: session.identity?.info ?? null,
      mayHear: session.paths.mayHear(path),
      state: session.state.values,
      version: session.state.version,
    },
  };
}
