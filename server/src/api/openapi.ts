/** The OpenAPI document of the API, made of the schemas that validate. */
import { z } from 'zod';
import { ERRORS } from '../../../protocol/codes.js';
import type { AnyMethod } from './method.js';

const schemaOf = (schema: z.ZodType): object => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { unrepresentable: 'any' });
  return json;
};

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'retryable'],
      properties: {
        code: { type: 'string', enum: Object.keys(ERRORS) },
        message: { type: 'string' },
        field: { type: 'string', description: 'The field at fault, as a dotted path.' },
        retryable: { type: 'boolean' },
      },
    },
  },
};

/** Describes `methods`. */
export function openApi(methods: readonly AnyMethod[], version: string): object {
  return {
    openapi: '3.1.0',
    info: { title: 'Dobby', version, description: "The back end's API of the push server Dobby." },
    security: [{ key: [] }],
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    paths: {
      ...Object.fromEntries(methods.map((method) => [`/api/${method.name}`, { post: operation(method) }])),
      '/health': {
        get: {
          operationId: 'health',
          summary: 'Whether the server takes work; 503 while it shuts down.',
          security: [],
          responses: { 200: { description: 'It does.' }, 503: { description: 'It shuts down.' } },
        },
      },
    },
  };
}

const refusal = (description: string): object => ({
  description,
  content: { 'application/json': { schema: errorSchema } },
});

function operation({ name, summary, body, reply }: AnyMethod): object {
  return {
    operationId: name,
    summary,
    requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } },
    responses: {
      200: { description: 'Done.', content: { 'application/json': { schema: schemaOf(reply) } } },
      403: refusal('The API key may not use this method, or not on this path.'),
      default: refusal('Refused; the status is that of the code.'),
    },
  };
}
