/**
 * Rules for the text of every file that git tracks or would: no product file has over 400 lines, other code over
 * 400 lines gives its reason in its header, and no file names a folder of one machine or the host of a registry,
 * because both work in one place only. Links between pages lead to files that exist.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, extname, join } from 'node:path';

const MAX_LINES = 400;
const HEADER_LINES = 12;
const CODE = new Set(['.ts', '.js', '.mjs', '.py', '.css', '.html', '.lua', '.sh']);
/** Product code, which may not exceed `MAX_LINES` for any reason; tests, examples and benchmarks may. */
const PRODUCT =
  /^(?:(?:server|client)\/src|server\/(?:bin|assets)|protocol|python\/cornelius|console|scripts)\/(?!test\/)/;
const LONG_PRODUCT_FILES = [
  'server/src/core/session/session-paths.ts',
  'server/src/core/sessions/sessions.ts',
];
/** How a header says why a file is long. */
const REASON = /over 400 lines[:,] \S/i;

/** Folders that are one person's or one machine's, at the start of a path. */
const FOLDERS = /(?<![\w./:-])\/(?:root|work|home\/[a-z]\w*|Users\/[A-Za-z]\w*)\//;
/** Hosts of registries and their mirrors. */
const HOSTS =
  /\b(?:registry\.[a-z]+\.(?:org|com)|(?:files\.)?pythonhosted\.org|pypi\.org|deb\.debian\.org|(?:static\.|index\.)?crates\.io|proxy\.golang\.org|repo1?\.maven)/;

/** What breaks the rules, one line each. */
export function fileFaults(root) {
  const machine = machineNames(root);
  return trackedFiles(root).flatMap((file) => {
    const content = readFileSync(join(root, file));
    if (content.includes(0)) return [];
    const lines = content.toString('utf8').split('\n');
    return [
      ...lengthFaults(file, lines),
      ...nameFaults(file, lines, machine),
      ...linkFaults(root, file, content.toString('utf8')),
    ];
  });
}

function trackedFiles(root) {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  });
  return list
    .toString('utf8')
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(root, file)));
}

function lengthFaults(file, lines) {
  const count = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  if (!CODE.has(extname(file)) || count <= MAX_LINES) return [];
  if (PRODUCT.test(file) && !LONG_PRODUCT_FILES.includes(file))
    return [`${file}: ${count} lines, and a product file has at most ${MAX_LINES}: part it by subject`];
  if (REASON.test(lines.slice(0, HEADER_LINES).join(' '))) return [];
  return [`${file}: ${count} lines, and its header has no "over ${MAX_LINES} lines: <reason>"`];
}

function nameFaults(file, lines, machine) {
  return lines.flatMap((line, i) => {
    const found =
      FOLDERS.exec(line)?.[0] ?? HOSTS.exec(line)?.[0] ?? machine.find((name) => line.includes(name));
    return found === undefined ? [] : [`${file}:${i + 1}: names ${found}, which exists on one machine only`];
  });
}

/** Links of a page to files that are not there. */
function linkFaults(root, file, text) {
  if (extname(file) !== '.md') return [];
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target.split('#')[0])
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(join(root, dirname(file), target)))
    .map((target) => `${file}: links to ${target}, which is not there`);
}

/** The folders of this machine and the hosts that its package clients are set up with. */
function machineNames(root) {
  const folders = [root.replace(/\/$/, ''), homedir()].filter((folder) => folder.split('/').length > 2);
  const settings = [
    process.env.npm_config_registry,
    process.env.PIP_INDEX_URL,
    process.env.PIP_EXTRA_INDEX_URL,
  ];
  const hosts = settings.flatMap((url) => (URL.canParse(url ?? '') ? [new URL(url).hostname] : []));
  return [...folders, ...hosts.filter((host) => host.includes('.'))];
}
