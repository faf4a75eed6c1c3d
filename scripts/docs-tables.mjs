/**
 * Writes the tables of the docs that stand in code: errors from protocol/codes.ts, limits from
 * protocol/limits.ts (whose comments are the descriptions), configuration from its schema. Each table
 * lies between `<!-- table:NAME -->` and `<!-- /table:NAME -->`; nothing else of a page is touched.
 *
 *     node scripts/docs-tables.mjs [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const PROTOCOL_PAGE = new URL('../docs/protocol.md', import.meta.url);
/** The tables once more, for the suites of other languages. */
const FIXTURE = new URL('../protocol/fixtures/tables.json', import.meta.url);
const SERVER_PAGE = new URL('../docs/server.md', import.meta.url);
const LIMITS_SOURCE = new URL('../protocol/limits.ts', import.meta.url);

/** Each page as it stands, and as it should. */
async function pages() {
  const { ERRORS, CLOSE_CODES, LIMITS, TEXT_FIELDS, completeConfig } = await loadSources();
  const fixture = {
    limits: LIMITS,
    errors: Object.fromEntries(
      Object.entries(ERRORS).map(([code, { status, retryable }]) => [code, { status, retryable }]),
    ),
  };
  const tables = [
    [PROTOCOL_PAGE, { errors: errorRows(ERRORS), limits: limitRows(LIMITS, { ...ERRORS, ...CLOSE_CODES }) }],
    [SERVER_PAGE, { configuration: configurationRows(TEXT_FIELDS, completeConfig({})) }],
  ];
  const pages = tables.map(([page, rows]) => {
    const now = readFileSync(page, 'utf8');
    const replace = (text, [name, lines]) => replaceTable(text, name, lines);
    return { page, now, wanted: Object.entries(rows).reduce(replace, now) };
  });
  const now = existsSync(FIXTURE) ? readFileSync(FIXTURE, 'utf8') : '';
  return [...pages, { page: FIXTURE, now, wanted: `${JSON.stringify(fixture, null, 2)}\n` }];
}

async function loadSources() {
  const sources = [
    'protocol/codes.ts',
    'protocol/limits.ts',
    'server/src/config/config.ts',
    'server/src/config/sources.ts',
  ];
  const result = await build({
    stdin: {
      contents: sources.map((source) => `export * from './${source}';`).join('\n'),
      resolveDir: new URL('..', import.meta.url).pathname,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(result.outputFiles[0].text).toString('base64')}`);
}

function errorRows(errors) {
  const rows = Object.entries(errors).map(([code, { status, retryable, message }]) =>
    row([`\`${code}\``, status, retryable ? 'yes' : 'no', message]),
  );
  return [row(['code', 'status', 'retryable', 'means']), '|---|---|---|---|', ...rows];
}

function configurationRows(fields, defaults) {
  const rows = fields.map(({ name, flag, variable, description, flagDescription }) => {
    const standard = defaults[name] === undefined ? 'none' : `\`${JSON.stringify(defaults[name])}\``;
    const meaning =
      flagDescription === description ? description : `${description}; \`${flag}\`: ${flagDescription}`;
    return row([`\`${name}\``, flag === null ? '' : `\`${flag}\``, `\`${variable}\``, standard, meaning]);
  });
  return [
    row(['file and library', 'flag', 'environment', 'default', 'meaning']),
    '|---|---|---|---|---|',
    ...rows,
  ];
}

function limitRows(limits, codes) {
  const comments = readComments();
  const rows = Object.entries(limits).map(([name, value]) => {
    const { text, code } = comments.get(name) ?? fail(`${name} has no comment in protocol/limits.ts`);
    if (code !== undefined && !(code in codes)) fail(`${name} names the code ${code}, which there is not`);
    return row([`\`${name}\``, text, amount(name, value), code === undefined ? '' : `\`${code}\``]);
  });
  return [row(['limit', 'of', 'value', 'code']), '|---|---|---|---|', ...rows];
}

/** What the comment above each limit says: a description, and after "; code" the code. */
function readComments() {
  const found = new Map();
  const source = readFileSync(LIMITS_SOURCE, 'utf8');
  for (const [, comment, name] of source.matchAll(/\/\*\*\s*((?:(?!\*\/)[\s\S])*?)\s*\*\/\s*(\w+):/g)) {
    const text = comment.replace(/\s*\n\s*\*\s*/g, ' ');
    const [, description, code] =
      /^(.*?)(?:; (?:close )?code `(\w+)`)?\.$/.exec(text) ?? fail(`${name}: "${text}"`);
    found.set(name, { text: description, code });
  }
  return found;
}

function amount(name, value) {
  const number = (n) => n.toLocaleString('en-US');
  if (name.endsWith('Ms')) return value % 1000 === 0 ? `${number(value / 1000)} s` : `${number(value)} ms`;
  if (!name.endsWith('Bytes')) return number(value);
  if (value % 1024 ** 2 === 0) return `${number(value / 1024 ** 2)} MB`;
  return value % 1024 === 0 ? `${number(value / 1024)} KB` : `${number(value)} bytes`;
}

function replaceTable(page, name, lines) {
  const [open, close] = [`<!-- table:${name} -->`, `<!-- /table:${name} -->`];
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  if (start === -1 || end < start) fail(`the page has no ${open} … ${close}`);
  // The blank lines keep the comments out of the table: a comment would end it.
  return `${page.slice(0, start)}${open}\n\n${lines.join('\n')}\n\n${page.slice(end)}`;
}

function row(cells) {
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}

function fail(message) {
  throw new Error(`docs-tables: ${message}`);
}

async function main() {
  for (const { page, now, wanted } of await pages()) {
    if (now === wanted) continue;
    if (process.argv.includes('--check')) {
      const name = page.pathname.split('/').at(-1);
      fail(`the tables of ${name} are not those of the code: run node scripts/docs-tables.mjs`);
    }
    writeFileSync(page, wanted);
  }
}

await main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
