/**
 * What a user of the two npm packages gets: each is packed as for publishing, unpacked into an empty
 * project beside its declared dependencies, imported, and compiled against with the strictest
 * settings. The lists of names are the public interface: a change here is a change for users.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGES = [
  {
    name: 'dobby',
    folder: 'server',
    names: [
      'ConfigError',
      'Dobby',
      'DobbyError',
      'ModuleError',
      'StateFolderError',
      'TokenKeysError',
      'VERSION',
      'createDobby',
    ],
    types: [
      'Config',
      'ConfigInput',
      'ErrorBody',
      'ErrorCode',
      'Json',
      'KickTarget',
      'PatternResult',
      'Position',
      'Receiver',
      'UpdateInfo',
      'UpdateOptions',
    ],
    use: `const dobby: Dobby = createDobby({});
export const url: Promise<string> = dobby.start();
export const position: Promise<Position | null> = dobby.update('contacts', { name: 'Ada' });`,
    compilerOptions: { types: ['node'] },
    ambient: ['@types/node', 'undici-types'],
  },
  {
    name: 'pomona',
    folder: 'client',
    names: ['Pomona', 'PomonaError'],
    types: [
      'ErrorCode',
      'GapEvent',
      'Handler',
      'Json',
      'PomonaOptions',
      'Position',
      'Subscription',
      'Update',
    ],
    use: `const pomona: Pomona = new Pomona({ url: '/comet' });
export const subscription: Subscription = pomona.connect('contacts', () => undefined);
export const id: string | null = pomona.id;`,
    compilerOptions: { types: [], lib: ['ES2022', 'DOM', 'DOM.Iterable'] },
    ambient: [],
  },
];

let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'dobby-exports-'));
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe.each(PACKAGES)(
  'the package $name',
  ({ name, folder, names, types, use, compilerOptions, ambient }) => {
    const installed = (...parts: string[]) => join(project, 'node_modules', name, ...parts);

    beforeAll(() => {
      const index = join(ROOT, folder, 'dist', folder, 'src/index.js');
      if (!existsSync(index))
        throw new Error(`${name} was not built: ${folder}/dist has no index.js; run npm run build`);
      install(name, folder);
      for (const each of ambient) link(each);
    }, 60_000);

    it('exports these names and no others', async () => {
      const manifest = JSON.parse(readFileSync(installed('package.json'), 'utf8')) as {
        exports: Record<string, { default: string }>;
      };
      const entry = pathToFileURL(installed(manifest.exports['.']!.default)).href;
      const found = Object.keys((await import(/* @vite-ignore */ entry)) as object);
      expect(found.sort()).toEqual([...names].sort());
    });

    it('is found by its name in Node', () => {
      const script = `import * as all from '${name}'; console.log(Object.keys(all).length)`;
      const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        cwd: project,
        encoding: 'utf8',
      });
      expect(Number(output)).toBe(names.length);
    });

    it('has types that resolve, down to its dependencies', () => {
      const source = join(project, `use-${name}.ts`);
      const values = names.map((each) => `typeof ${each}`).join(' | ');
      writeFileSync(
        source,
        `import { ${[...names, ...types.map((type) => `type ${type}`)].join(', ')} } from '${name}';
export type All = ${[values, ...types].join(' | ')};
${use}
`,
      );
      expect(compile(source, compilerOptions)).toBe('');
    }, 60_000);

    it('carries what it needs and nothing else', () => {
      const files = execFileSync('find', ['.', '-type', 'f'], { cwd: installed(), encoding: 'utf8' })
        .trim()
        .split('\n');
      const kinds = /\.(m?js|d\.ts|map|html|css|svg|json)$|\/(LICENSE|README\.md)$/;
      expect(files.filter((file) => !kinds.test(file) || /\/test\/|\.test\./.test(file))).toEqual([]);
      expect(files).toContain('./dist/LICENSE');
    });
  },
);

it('the package dobby has a command that can be run', () => {
  const command = join(project, 'node_modules/dobby/bin/dobby.mjs');
  expect(statSync(command).mode & 0o111, 'the file is executable').not.toBe(0);
  expect(readFileSync(command, 'utf8').startsWith('#!/usr/bin/env node\n')).toBe(true);
  expect(execFileSync(command, ['--version'], { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it('the package pomona has one file for browsers, with nothing to import', () => {
  const script = readFileSync(join(project, 'node_modules/pomona/dist/pomona.min.js'), 'utf8');
  expect(script).not.toMatch(/\bimport\s*[{*"']|\bfrom\s*["']|\bimport\(/);
  expect(script).toMatch(/export\s*\{[^}]*\bPomona\b/);
});

/** Packs, and unpacks where npm would install it. */
function install(name: string, folder: string): void {
  const args = [
    'pack',
    `--workspace=${folder}`,
    `--pack-destination=${project}`,
    '--ignore-scripts',
    '--json',
  ];
  const output = execFileSync('npm', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const packed = Object.values(
    JSON.parse(output) as { filename: string }[] | Record<string, { filename: string }>,
  );
  const target = join(project, 'node_modules', name);
  mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', join(project, packed[0]!.filename), '-C', target, '--strip-components=1']);
  const manifest = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  for (const each of Object.keys(manifest.dependencies ?? {})) link(each);
}

/** Makes a package of the repository visible to the project, with all that it needs itself. */
function link(name: string): void {
  const target = join(project, 'node_modules', name);
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', name), target);
}

/** What the compiler says about `source`; libraries are checked too. */
function compile(source: string, compilerOptions: object): string {
  const config = join(project, 'tsconfig.json');
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    module: 'NodeNext',
    target: 'ES2022',
    ...compilerOptions,
  };
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files: [source] }));
  try {
    return execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', config], { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
