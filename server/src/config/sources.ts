/**
 * Where configuration comes from, later ones over earlier ones: defaults, a JSON file, environment variables (`DOBBY_` and the
 * field's name in capitals), flags of the command line.
 */
import { z } from 'zod';
import { fileFault, parseJson, readUtf8 } from '../http/utf8.js';
import { looseRights, refusedRights } from '../stores/state-folder/file-rights.js';
import { type Config, ConfigError, completeConfig, configSchema } from './config.js';

/** How a field is written as a flag or an environment variable. */
export interface TextField {
  readonly name: keyof Config;
  /** `--allowed-origins`, or `--no-tickets` for what is on by default; null for what must not be seen in the list of processes. */
  readonly flag: string | null;
  /** `DOBBY_ALLOWED_ORIGINS` */
  readonly variable: string;
  readonly description: string;
  /** What the flag says: of one that begins with `--no-`, what it turns off. */
  readonly flagDescription: string;
  readonly kind: 'text' | 'number' | 'switch' | 'list';
}

/** Fields that never stand on a command line. */
const SECRETS: ReadonlySet<string> = new Set(['apiKey', 'webhookSecret', 'tokenSecret']);

/** Every field that can be written as text; `paths` stands in a file only. */
export const TEXT_FIELDS: readonly TextField[] = Object.entries(configSchema.shape)
  .filter(([name]) => name !== 'paths')
  .map(([name, schema]) => {
    const { description, flag = description } = schema.meta() ?? {};
    const words = name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
    return {
      name: name as keyof Config,
      flag: SECRETS.has(name) ? null : `--${isOn(schema) ? 'no-' : ''}${words}`,
      variable: `DOBBY_${words.replaceAll('-', '_').toUpperCase()}`,
      description: String(description ?? ''),
      flagDescription: String(flag ?? ''),
      kind: kindOf(schema),
    };
  });

/** Puts the sources together. @throws ConfigError that names the source at fault. */
export function loadConfig(sources: {
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Flags by field name: text, or true for a switch. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Told of what is no error and should be mended. */
  readonly onWarning?: (message: string) => void;
}): Config {
  const file = sources.file ?? (sources.environment['DOBBY_CONFIG'] || undefined);
  const namedBy = sources.file === undefined ? 'DOBBY_CONFIG' : '--config';
  const fromFile = file === undefined ? {} : readFile(file, namedBy);
  if (file !== undefined) {
    completeConfig(fromFile, file);
    const loose = Object.keys(fromFile).some((name) => SECRETS.has(name)) ? looseRights(file) : null;
    if (loose !== null) sources.onWarning?.(loose);
  }
  const fromEnvironment = fieldsOf((field) => sources.environment[field.variable]);
  completeConfig(fromEnvironment, 'environment');
  const fromFlags = fieldsOf((field) => sources.flags[field.name]);
  completeConfig(fromFlags, 'command line');
  return completeConfig({ ...fromFile, ...fromEnvironment, ...fromFlags });
}

function fieldsOf(read: (field: TextField) => unknown): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const field of TEXT_FIELDS) {
    const value = read(field);
    if (value !== undefined && value !== '') fields[field.name] = parseField(field, value);
  }
  return fields;
}

function parseField({ kind }: TextField, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  switch (kind) {
    case 'number':
      return /^-?\d+$/.test(value) ? Number(value) : value;
    case 'switch':
      return /^(1|true|yes|on)$/i.test(value) ? true : /^(0|false|no|off)$/i.test(value) ? false : value;
    case 'list':
      return value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'text':
      return value;
    default:
      return kind satisfies never;
  }
}

function readFile(file: string, namedBy: string): object {
  const refused = refusedRights(file);
  if (refused !== null) throw new ConfigError(`"${file}" ${refused}`);
  let value: unknown;
  try {
    value = parseJson(readUtf8(file));
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code !== 'ENOENT';
    throw new ConfigError(isThere ? fileFault(file, error) : `there is no file ${file} (${namedBy})`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new ConfigError(`${file}: the configuration is a JSON object`);
}

/** Whether a switch is on where nothing says otherwise. */
function isOn(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).data === true;
}

function kindOf(schema: z.ZodType): TextField['kind'] {
  const inner =
    schema instanceof z.ZodDefault || schema instanceof z.ZodExactOptional ? schema.unwrap() : schema;
  if (inner instanceof z.ZodNumber) return 'number';
  if (inner instanceof z.ZodBoolean) return 'switch';
  return inner instanceof z.ZodArray ? 'list' : 'text';
}
