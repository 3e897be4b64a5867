/** `node tools/con-methods.ts`, after a build: writes docs/con-methods.md out of the one table of con's methods. */
import * as protocol from '@berth/con-protocol';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { root } from './sources.ts';

/** Exported schemas have names, and a section each. */
const names = new Map(
  Object.entries(protocol).flatMap(([name, value]: [string, unknown]) =>
    value instanceof z.ZodObject ? [[value as unknown, name] as const] : [],
  ),
);

/** What travels, in a word or two. @throws Error for a schema that nobody taught it. */
function wire(schema: unknown): string {
  const name = names.get(schema);
  if (name) return `[${name}](#${name.toLowerCase()})`;
  if (schema instanceof z.ZodOptional) return wire(schema.unwrap());
  if (schema instanceof z.ZodCodec) return 'decimal';
  if (schema instanceof z.ZodISODateTime) return 'time';
  if (schema instanceof z.ZodEnum) return schema.options.map((option) => `\`${option}\``).join(', ');
  if (schema instanceof z.ZodString) return schema.maxLength ? `string, ${schema.maxLength} at most` : 'string';
  if (schema instanceof z.ZodNumber) return `int${bounds(schema)}`;
  if (schema instanceof z.ZodBoolean) return 'boolean';
  if (schema instanceof z.ZodArray) return `array of ${wire(schema.element)}`;
  if (schema instanceof z.ZodRecord) return `struct of ${wire(schema.valueType)}`;
  if (schema instanceof z.ZodObject) return `struct of ${Object.keys(schema.shape).join(', ')}`;
  throw new Error(`cannot write down a schema of an unknown kind: ${String(schema)}`);
}

function bounds({ minValue, maxValue }: z.ZodNumber): string {
  const whole = 2 ** 31;
  return maxValue === null || minValue === null || minValue <= -whole || maxValue >= whole - 1
    ? ''
    : `, ${minValue} to ${maxValue}`;
}

function members({ shape }: z.ZodObject): string {
  const rows = Object.entries(shape);
  if (rows.length === 0) return 'nothing\n';
  return ['| member | | |', '|---|---|---|']
    .concat(
      rows.map(
        ([name, schema]) =>
          `| \`${name}\` | ${wire(schema)} | ${schema instanceof z.ZodOptional ? 'may be absent' : ''} |`,
      ),
    )
    .concat('')
    .join('\n');
}

const head = `# con's methods

Made by \`node tools/con-methods.ts\` out of \`libs/con-protocol/src/methods.ts\`: change that, not this. How they are called, and
what a fault means, is in [rpc.md](rpc.md).

A \`decimal\` is a string of digits, because an int of XML-RPC has 32 bits. A \`time\` is ISO 8601 in UTC, as a string.
`;

/** The whole page. */
export function page(): string {
  const methods = Object.entries(protocol.methods).flatMap(([name, { help, params, result }]) => [
    `## ${name}\n`,
    `${help}\n`,
    `Takes\n\n${members(params)}`,
    `Answers\n\n${members(result)}`,
  ]);
  const records = [...names].flatMap(([schema, name]) => [`## ${name}\n`, members(schema as z.ZodObject)]);
  return [head, ...methods, ...records].join('\n');
}

if (import.meta.main) writeFileSync(resolve(root, 'docs/con-methods.md'), page());
