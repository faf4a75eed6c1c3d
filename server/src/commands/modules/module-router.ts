/** Routes commands to modules: the first loaded module that matches takes a command. */
import type { Session } from '../../core/session/session.js';
import type { CommandRouter, Handler } from '../handler.js';
import type { Module } from './module.js';

export class ModuleRouter implements CommandRouter {
  #modules: readonly Module[] = [];
  #byCommand = new Map<string, Module[]>();

  /** Returns the modules in use. */
  get modules(): readonly Module[] {
    return this.#modules;
  }

  /** Replaces all modules; running commands continue. */
  use(modules: readonly Module[]): void {
    this.#modules = modules;
    this.#byCommand = new Map();
    for (const module of modules) {
      this.#byCommand.set(module.command, [...(this.#byCommand.get(module.command) ?? []), module]);
    }
  }

  route(path: string, command: string): Handler | null {
    for (const module of this.#byCommand.get(command) ?? []) {
      const handler = module.handler(path);
      if (handler !== null) return handler;
    }
    return null;
  }

  ended(session: Session): void {
    if (session.isRaw) return;
    for (const module of this.#modules) module.ended(session);
  }
}
