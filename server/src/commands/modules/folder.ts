/**
 * The folder of commands: each JavaScript or TypeScript file in it, also in subfolders, is a module. Files whose names
 * begin with "_" or ".", and tests, are not. jiti loads them, since Node 20 cannot load TypeScript.
 */
import { readdirSync, statSync } from 'node:fs';
import { join, parse, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';
import { type Definition, definitionSchema } from './definition.js';
import { describeThrown } from './refused.js';

/** Thrown when the folder or one of its files cannot be used; the message names it. */
export class ModuleError extends Error {
  override readonly name = 'ModuleError';
}

const MODULE = /\.(?:m|c)?[jt]s$/;
const NO_MODULE = /(?:^|\/)[_.]|\.d\.(?:m|c)?ts$|\.(?:test|spec)\./;
/** How often the files are checked for changes. */
const LOOK_MS = 300;

/** A loaded module: its file, below the folder, and its definition. */
export interface LoadedModule {
  readonly file: string;
  readonly definition: Definition;
}

/** Loads and watches the folder of commands. */
export class CommandFolder {
  readonly #path: string;

  /** @throws ModuleError when there is no such folder */
  constructor(path: string) {
    this.#path = resolve(path);
    const isFolder = statSync(this.#path, { throwIfNoEntry: false })?.isDirectory() === true;
    if (!isFolder) throw new ModuleError(`there is no folder "${path}" to find commands in`);
  }

  /**
   * Loads all modules: first those whose patterns begin with the longest literal text, then by name. Rejects with
   * ModuleError that names the faulty file.
   */
  async load(): Promise<LoadedModule[]> {
    // A new loader each time, so that changed files are read again, with their imports from the folder.
    const jiti = createJiti(pathToFileURL(join(this.#path, 'index.js')).href, {
      moduleCache: false,
      fsCache: false,
    });
    const loaded: LoadedModule[] = [];
    for (const file of this.#files().filter((name) => MODULE.test(name) && !NO_MODULE.test(name)))
      loaded.push({ file, definition: await this.#loadOne(jiti, file) });
    const seen = new Map<string, string>();
    for (const { file, definition } of loaded) {
      const place = `${definition.pattern ?? ''} ${definition.command}`;
      const other = seen.get(place);
      if (other !== undefined)
        throw new ModuleError(`${file}: takes the same command on the same paths as ${other}`);
      seen.set(place, file);
    }
    return loaded.sort((a, b) => literalLength(b) - literalLength(a));
  }

  /** Calls `onChange` when files have changed, found by polling; returns a function that ends this. */
  watch(onChange: () => void): () => void {
    let last = this.#signs();
    const timer = setInterval(() => {
      let signs = '';
      try {
        signs = this.#signs();
      } catch {
        // The folder is missing or changes just now: loading reports that, and the next check sees more.
      }
      if (signs === last) return;
      last = signs;
      onChange();
    }, LOOK_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** Returns size and time of every file, also of those that are no modules: modules may import them. */
  #signs(): string {
    const signs = this.#files().map((file) => {
      const stat = statSync(join(this.#path, file), { throwIfNoEntry: false });
      return `${file} ${stat?.ino} ${stat?.mtimeMs} ${stat?.size}`;
    });
    return signs.join('\n');
  }

  /** Returns the files below the folder without those of packages, in the order of their names. */
  #files(): string[] {
    return readdirSync(this.#path, { recursive: true, encoding: 'utf8' })
      .map((file) => file.split(sep).join('/'))
      .filter((file) => !file.split('/').includes('node_modules'))
      .sort();
  }

  async #loadOne(jiti: ReturnType<typeof createJiti>, file: string): Promise<Definition> {
    let exported: unknown;
    try {
      ({ default: exported } = await jiti.import<{ default?: unknown }>(join(this.#path, file)));
    } catch (error) {
      const message = error instanceof Error ? error.message : describeThrown(error);
      // Some parsers report a place in several lines.
      throw new ModuleError(`${file}: ${message.replace(/\s*\n\s*/g, ' ')}`, { cause: error });
    }
    if (typeof exported !== 'object' || exported === null || !('run' in exported)) {
      throw new ModuleError(
        `${file}: it has no default export that is a command: export default defineCommand({ run… })`,
      );
    }
    const checked = definitionSchema.safeParse(exported);
    if (!checked.success) {
      const [issue] = checked.error.issues;
      const field = issue?.path.join('.') ?? '';
      const what = field === '' ? 'its default export is no command' : `"${field}"`;
      throw new ModuleError(`${file}: ${what}: ${issue?.message}; see defineCommand of "dobby/commands"`);
    }
    // The object is the prototype, since its functions may use "this".
    return Object.assign(Object.create(exported as object), {
      command: checked.data.command ?? parse(file).name,
      ordered: checked.data.ordered,
    });
  }
}

/** Returns the length of the literal text with which a pattern begins. */
const literalLength = ({ definition: { pattern } }: LoadedModule): number => `${pattern ?? ''}{`.indexOf('{');
