/**
 * Enforces the two tables of ARCHITECTURE.md: which folder may import which, and where each package
 * may be used. The page is the source; this file knows only how to read it. Finds circles of files, in Python too.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OWN_PACKAGES = ['dobby', 'pomona'];
const NOT_SOURCES = new Set(['node_modules', 'dist', '.venv', '.git', 'results']);

const folders = new Map(table('| folder | may import |').map(([folder, list]) => [folder!, split(list!)]));
const packages = table('| package | used in | why |').flatMap(([names, places, why]) =>
  split(names!).map((name) => ({ name, places: split(places!), why: why! })),
);
const files = ['protocol', 'server', 'client', 'examples', 'bench', 'scripts', 'test']
  .flatMap((folder) => sourcesBelow(folder))
  .concat('vitest.config.ts');
/** Without what pages load by its address: `/pomona.js`. */
const imports = files
  .flatMap((file) => importsOf(file).map((name) => ({ file, name })))
  .filter(({ file, name }) => !(isWithin(file, 'server/assets') && name.startsWith('/')));

describe('ARCHITECTURE.md', () => {
  it('has a row for every source file of what is published', () => {
    expect(files.filter((file) => isPublished(file) && rowOf(file) === undefined)).toEqual([]);
  });

  it('lists only folders that have a row of their own or hold rows', () => {
    const known = (name: string) => [...folders.keys()].some((folder) => isWithin(folder, name));
    expect([...folders.values()].flat().filter((name) => !known(name))).toEqual([]);
  });

  it('describes imports that go one way', () => {
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      next(from).some((row) => row === to || (!seen.has(row) && reaches(row, to, seen.add(row))));
    expect([...folders.keys()].filter((row) => reaches(row, row))).toEqual([]);
  });

  it('gives a reason for every package that a package.json names, and for no other', () => {
    const named = ['.', 'server', 'client', 'bench'].flatMap((folder) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest;
      return Object.keys({
        ...manifest.dependencies,
        ...manifest.devDependencies,
        ...manifest.optionalDependencies,
      });
    });
    const listed = packages.filter(({ name }) => !name.startsWith('node:'));
    expect([...new Set(named)].filter((name) => !OWN_PACKAGES.includes(name)).sort()).toEqual(
      listed.map(({ name }) => name).sort(),
    );
    expect(listed.filter(({ why }) => why.length < 10)).toEqual([]);
  });
});

describe('imports', () => {
  it('are found at all', () => {
    expect(imports.length).toBeGreaterThan(20);
  });

  it('go only where the table lets them', () => {
    const wrong = imports
      .filter(({ file, name }) => isPublished(file) && name.startsWith('.') && !isAllowedEdge(file, name))
      .map(({ file, name }) => `${file} may not import ${name}`);
    expect(wrong).toEqual([]);
  });

  it('make no circle of files in what is published', () => {
    const next = new Map<string, string[]>();
    for (const { file, name } of imports) {
      if (!isPublished(file) || !name.startsWith('.')) continue;
      const target = join(dirname(file), name).replace(/\.js$/, '.ts');
      if (files.includes(target)) next.set(file, [...(next.get(file) ?? []), target]);
    }
    expect(next.size).toBeGreaterThan(100);
    expect(circlesOf(next)).toEqual([]);
  });

  it('make no circle of files in the Python package', () => {
    const modules = new Set(sourcesBelow('python/cornelius', /\.py$/));
    const next = new Map([...modules].map((file) => [file, pythonImportsOf(file, modules)]));
    expect([...next.values()].flat().length).toBeGreaterThan(200);
    expect(circlesOf(next)).toEqual([]);
  });

  it('name packages only in the folders that the table lists for them', () => {
    const wrong = imports
      .filter(({ file, name }) => !name.startsWith('.') && !isAllowedPackage(file, name))
      .map(({ file, name }) => `${file} may not import ${name}`);
    expect(wrong).toEqual([]);
  });
});

interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

function table(header: string): string[][] {
  const lines = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8').split('\n');
  const start = lines.indexOf(header);
  if (start === -1) throw new Error(`ARCHITECTURE.md has no table "${header}"`);
  const rest = [...lines.slice(start + 2), ''];
  return rest
    .slice(
      0,
      rest.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')));
}

function split(list: string): string[] {
  return list === 'nothing' ? [] : list.split(',').map((name) => name.trim());
}

function sourcesBelow(folder: string, names = /\.(ts|mts|js|mjs)$/): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return NOT_SOURCES.has(entry.name) ? [] : sourcesBelow(path, names);
    return names.test(entry.name) ? [path] : [];
  });
}

/** Returns each circle that following `next` meets, written as a path. */
function circlesOf(next: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) return void circles.push([...path.slice(path.indexOf(file)), file].join(' > '));
    if (done.has(file)) return;
    for (const target of next.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) walk(file, []);
  return circles;
}

/** Returns the files among `modules` that `file` imports, in functions and under `TYPE_CHECKING` too. */
function pythonImportsOf(file: string, modules: ReadonlySet<string>): string[] {
  const code = readFileSync(join(ROOT, file), 'utf8').replace(/"""[\s\S]*?"""|#.*| as \w+/g, '');
  const statements = /^[^\S\n]*(?:from (\.*)([\w.]*) )?import (\([^)]*\)|.*)/gm;
  const targets = [...code.matchAll(statements)].flatMap(([, dots, name = '', list = '']) => {
    const folder = dots ? join(dirname(file), ...Array(dots.length - 1).fill('..')) : 'python';
    const module = join(folder, name.replaceAll('.', '/'));
    const names = (list.match(/[\w.]+/g) ?? []).map((each) => each.replaceAll('.', '/'));
    return names.map((each) => moduleFile(join(module, each), modules) ?? moduleFile(module, modules));
  });
  return [...new Set(targets.filter((target) => target !== undefined))];
}

/** Returns the file of the module at `path`. */
function moduleFile(path: string, modules: ReadonlySet<string>): string | undefined {
  return [`${path}.py`, `${path}/__init__.py`].find((file) => modules.has(file));
}

function importsOf(file: string): string[] {
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  const code = lines.filter((line) => !/^\s*(\*|\/[/*])/.test(line)).join('\n');
  const statements =
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm;
  const calls = /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g;
  return [...code.matchAll(statements), ...code.matchAll(calls)].map((found) => (found[1] ?? found[2])!);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

const isTest = (file: string) => /(^|\/)test\//.test(file);

function isPublished(file: string): boolean {
  return !isTest(file) && ['protocol', 'server', 'client'].some((folder) => isWithin(file, folder));
}

/** The longest row that `file` lies within. */
function rowOf(file: string): string | undefined {
  const fitting = [...folders.keys()].filter((folder) => isWithin(file, folder));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

/** The other rows that files of `row` may import from. */
function next(row: string): string[] {
  const listed = folders.get(row) ?? [];
  return [...folders.keys()].filter((other) => other !== row && listed.some((name) => isWithin(other, name)));
}

function isAllowedEdge(file: string, name: string): boolean {
  const target = join(dirname(file), name).replace(/\.js$/, '.ts');
  if (isTest(target)) return false;
  const row = rowOf(file);
  if (row === undefined) return false;
  return rowOf(target) === row || (folders.get(row) ?? []).some((listed) => isWithin(target, listed));
}

function isAllowedPackage(file: string, name: string): boolean {
  const own = OWN_PACKAGES.includes(packageName(name));
  if (own) return !isPublished(file);
  return packages
    .filter((row) => row.name === packageName(name) || (row.name === 'node:*' && name.startsWith('node:')))
    .some(({ places }) => places.some((place) => isPlaceOf(file, place)));
}

/** What is published is told apart by the rows of the first table: `server/src` is not what lies below it. */
function isPlaceOf(file: string, place: string): boolean {
  if (place === 'tests') return isTest(file);
  return isPublished(file) ? rowOf(file) === place : isWithin(file, place);
}

function packageName(name: string): string {
  if (name.startsWith('node:')) return name;
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
