import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../../protocol/codes.js';
import { METHODS } from '../../src/api/methods/index.js';
import { createApi } from '../support/api.js';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Record<string, unknown> }> };
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { schema: object }> }
  >;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly security: readonly Record<string, unknown>[];
  readonly components: { readonly securitySchemes: Record<string, unknown> };
  readonly paths: Record<string, Record<string, Operation>>;
}

const document = async () => (await createApi().get('/api/openapi.json')).body as Document;
const JSON_TYPE = 'application/json';

/** Every object below a value. */
function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

describe('the OpenAPI document', () => {
  it('needs no key, and is of version 3.1 with title, version and security', async () => {
    const { openapi, info, security, components } = await document();
    expect(openapi).toBe('3.1.0');
    expect(info).toMatchObject({ title: 'Dobby', version: '0.0.0-test' });
    for (const requirement of security) {
      for (const name of Object.keys(requirement)) expect(components.securitySchemes).toHaveProperty(name);
    }
  });

  it('describes every method, once, and nothing that is not there', async () => {
    const { paths } = await document();
    const urls = METHODS.map(({ name }) => `/api/${name}`);
    expect(Object.keys(paths).sort()).toEqual([...urls, '/health'].sort());
    const ids = Object.values(paths).flatMap((item) =>
      Object.values(item).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(METHODS.map(({ name }) => name))('says what "%s" takes, answers and refuses with', async (name) => {
    const operation = (await document()).paths[`/api/${name}`]?.['post'];
    expect(operation?.summary).toMatch(/^[A-Z].*\.$/);
    expect(operation?.requestBody?.content[JSON_TYPE]?.schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
    });
    expect(operation?.responses['200']?.content?.[JSON_TYPE]?.schema).toMatchObject({ type: 'object' });
    for (const { description } of Object.values(operation?.responses ?? {})) expect(description).not.toBe('');
    expect(JSON.stringify(operation?.responses['403'])).toContain('"forbidden"');
    const refusal = JSON.stringify(operation?.responses['default']);
    for (const code of Object.keys(ERRORS)) expect(refusal).toContain(`"${code}"`);
  });

  it('requires what the methods require', async () => {
    const { paths } = await document();
    const required = (name: string) =>
      paths[`/api/${name}`]?.['post']?.requestBody?.content[JSON_TYPE]?.schema['required'];
    expect(required('update')).toEqual(['path', 'message']);
    expect(required('connect')).toEqual(['id', 'paths']);
    expect(required('info') ?? []).toEqual([]);
  });

  it('refers to nothing that is not in it, and requires only properties that it describes', async () => {
    for (const object of objectsIn(await document())) {
      expect(object).not.toHaveProperty('$ref');
      if (!Array.isArray(object['required']) || typeof object['properties'] !== 'object') continue;
      for (const name of object['required'] as string[]) expect(object['properties']).toHaveProperty(name);
    }
  });
});
