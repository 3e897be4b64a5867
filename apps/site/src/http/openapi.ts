import { routes, ProblemBody, type Route, type RouteName } from '@berth/site-api';
import { z } from 'zod';

type Json = Readonly<Record<string, unknown>>;

/** OpenAPI 3.1 of the route table: what it says is what the guards and codecs do, because both read the same rows. */
export function openApi(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, row] of Object.entries(routes) as [RouteName, Route][]) {
    const path = row.path.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[row.method.toLowerCase()] = operation(name, row);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Berth', version, description: 'Every unsafe request needs the XSRF-TOKEN cookie in X-XSRF-TOKEN.' },
    paths,
    components: {
      schemas: { Problem: schemaOf(ProblemBody, 'output') },
      securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: 'berth_session' } },
    },
  };
}

function operation(name: RouteName, row: Route): Json {
  const parameters = [...row.path.matchAll(/:(\w+)/g)].map(([, parameter]) => ({
    name: parameter,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const keyed = row.help.includes('Idempotency-Key');
  return {
    operationId: name,
    summary: row.help,
    tags: [name.split('.')[0]],
    parameters: keyed ? [...parameters, idempotencyKey] : parameters,
    ...(row.who === 'anyone' ? {} : { security: [{ session: [] }], 'x-role': row.who }),
    ...(row.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(row.body, 'input') } } } }
      : {}),
    responses: {
      200: { description: 'OK', content: contentOf(row) },
      default: {
        description: 'Refused',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function contentOf({ path, reply }: Route): Json {
  if (path.endsWith('/pdf')) return { 'application/pdf': { schema: { type: 'string', format: 'binary' } } };
  return { 'application/json': { schema: schemaOf(reply, 'input') } };
}

const idempotencyKey: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,200}$' },
};

/** `input` is the wire's side of a codec: decimal strings, not bigints. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
