/** Takes every command to the back end, and applies what it answers. */
import { type CommandErrorCode, type ErrorBody, errorBody } from '../../../../protocol/codes.js';
import { PatternTable } from '../../../../protocol/patterns.js';
import type { Webhook, WebhookAnswer } from '../../back-end/webhook.js';
import { encodeMessage } from '../../core/hub/draft.js';
import type { Draft } from '../../core/log/update.js';
import { DobbyError, dobbyError } from '../../core/operations/dobby-error.js';
import type { Operations } from '../../core/operations/operations.js';
import type { Session } from '../../core/session/session.js';
import type { Log } from '../../observe/log.js';
import type { Call, CallOutcome, CommandRouter, Handler } from '../handler.js';
import { commandError, replyOf } from '../replies.js';
import { type DoneAnswer, readAnswer } from './answer.js';

/** What it is given. */
export interface BackEndRouterOptions {
  readonly webhook: Webhook;
  readonly operations: Operations;
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
  readonly #options: BackEndRouterOptions;
  readonly #ordered: PatternTable<true>;
  readonly #sideBySide: Handler;
  readonly #oneByOne: Handler;
  /** Of each session the answer that is being applied last. */
  readonly #applying = new WeakMap<Session, Promise<void>>();

  constructor(options: BackEndRouterOptions) {
    this.#options = options;
    this.#ordered = new PatternTable(options.ordered.map((pattern) => [pattern, true]));
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
    const answer = await this.#options.webhook.ask(questionOf(call), {
      signal: call.signal,
      countsAsFailure: () => call.signal.reason === 'timeout' && call.timeoutMs >= MIN_TELLING_MS,
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
    try {
      await this.#apply(call.session, read);
    } catch (error) {
      if (!(error instanceof DobbyError)) throw error;
      if (error.code === 'state_conflict') return { error: commandError('state_conflict') };
      const fields = { path, command, error: error.body };
      this.#options.log.error(fields, 'what the back end answered cannot be done');
      return { error: commandError('back_end_failed') };
    }
    return { reply: read.reply ?? null };
  }

  /** Applies the answers to the commands of a session one after the other: none sees another half done. */
  #apply(session: Session, answer: DoneAnswer): Promise<void> {
    const before = this.#applying.get(session) ?? Promise.resolve();
    const applied = before.then(() => this.#applyNow(session, answer));
    const settled = applied.catch(() => undefined);
    this.#applying.set(session, settled);
    return applied.finally(() => {
      if (this.#applying.get(session) === settled) this.#applying.delete(session);
    });
  }

  /**
   * Checks all that can be checked. Then publishes the updates of the path that has versions, in one atomic step, so that a conflict
   * comes before anything took effect. What the store refuses later leaves the rest. Rejects with the first error.
   */
  async #applyNow(
    session: Session,
    { reply = null, state, grants, updates, send }: DoneAnswer,
  ): Promise<void> {
    const { operations } = this.#options;
    if (typeof replyOf('', reply) === 'string') throw dobbyError('too_large', { field: 'reply' });
    const drafts = updates.map(({ echo = false, ...update }, index) =>
      operations.draft(update, { sender: echo ? '' : session.id, prefix: `updates.${index}.` }),
    );
    const versioned = drafts.find(({ version }) => version !== undefined)?.path;
    const fault =
      this.#draftFault(drafts, versioned) ??
      grantFault(session, grants) ??
      (state && session.state.fault(state.patch, state.version)) ??
      messageFault(send);
    if (fault != null) throw new DobbyError(fault);
    const undo = this.#patch(session, state);
    if (versioned !== undefined)
      await operations.publishAll(draftsOf(drafts, versioned)).catch((error) => {
        // Nothing has happened.
        undo();
        throw error;
      });
    // The rest cannot conflict any more: all of it is tried, whatever fails.
    const errors: DobbyError[] = [];
    const attempt = (act: Promise<unknown>) =>
      act.catch((error: unknown) => {
        if (!(error instanceof DobbyError)) throw error;
        errors.push(error);
      });
    if (grants.length > 0 && !session.isEnded) await attempt(this.#grant(session, grants));
    const rest = drafts.filter(({ path }) => path !== versioned);
    for (const path of new Set(rest.map((draft) => draft.path)))
      await attempt(operations.publishAll(draftsOf(rest, path)));
    for (const { message, ...to } of send) await attempt(operations.send(message, to));
    if (errors.length > 0) throw errors[0];
  }

  async #grant({ id }: Session, paths: readonly string[]): Promise<void> {
    const refused = (await this.#options.operations.connect(id, paths)).find((result) => 'error' in result);
    if (refused !== undefined && 'error' in refused) throw new DobbyError(refused.error);
  }

  /** Patches the state of a session, which was checked; returns what undoes it, unless the state has been changed since. */
  #patch({ state }: Session, change: DoneAnswer['state']): () => void {
    const { values, version } = state;
    if (change !== undefined) state.patch(change.patch, change.version);
    const patched = state.version;
    return () => {
      if (state.version === patched && patched !== version) state.restore(values, version);
    };
  }

  /** Why these updates cannot be published, as far as their paths and policies tell. */
  #draftFault(drafts: readonly Draft[], versioned: string | undefined): ErrorBody | null {
    const keys = new Set<string>();
    for (const [index, { path, key, version }] of drafts.entries()) {
      if (key !== null && keys.has(`${path}\n${key}`))
        return errorBody('bad_field', {
          message: 'One key of a path is named twice.',
          field: `updates.${index}.key`,
        });
      keys.add(`${path}\n${key}`);
      if (version !== undefined && path !== versioned) {
        const message = 'Only the updates of one path may have versions: they are published in one step.';
        return errorBody('bad_field', { message, field: `updates.${index}.version` });
      }
      if (key !== null && !this.#options.operations.hasState(path))
        return errorBody('no_state', { field: `updates.${index}.key` });
    }
    return null;
  }

  #warn({ path, command }: Call, detail: string): void {
    this.#options.log.warn({ path, command, detail }, 'the back end could not answer a command');
  }
}

const draftsOf = (drafts: readonly Draft[], path: string): Draft[] =>
  drafts.filter((draft) => draft.path === path);

function messageFault(send: DoneAnswer['send']): ErrorBody | null {
  for (const [index, { message }] of send.entries()) {
    const encoded = encodeMessage(message, `send.${index}.message`);
    if ('error' in encoded) return encoded.error;
  }
  return null;
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
