import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { methods, type MethodName } from '@berth/con-protocol';
import { decodeAnswer, encodeCall, type Value } from '@berth/xmlrpc';
import fc from 'fast-check';
import { z } from 'zod';
import { startFakeCon, type FakeCon } from './fake-con.js';

const canaries = mkdtempSync(join(tmpdir(), 'con-canaries-'));

/** What a site that somebody took over would try: paths, options, numbers, names that reach elsewhere, and things of others. */
const nasty: readonly Value[] = [
  ...[
    '/etc/passwd',
    '../../../../etc/shadow',
    '..',
    '.',
    '/',
    '',
    ' ',
    '-rf',
    '--help',
    '$(reboot)',
    '`id`',
    ';id',
    '|id',
  ],
  ...['a\nb', 'a\tb', '%00', '%2e%2e%2f', '\u202etxt', 'é', '__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  ...['kept', 'kept ', 'KEPT', 'owner', 'demo', '1', 'x'.repeat(300), 'x'.repeat(70_000), '99999999999999999999', '-1'],
  ...[
    'file:///etc/passwd',
    'http://169.254.169.254/',
    '0',
    'lxc.mount.entry = /',
    '1;drop table container',
    "' or 1=1 --",
  ],
  ...[0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 0.5, true, false],
  ...([[], {}, ['/bin/sh', '-c', 'id'], { name: 'demo', version: '1' }, { __proto__: 'x' }, [[[['a']]]]] as Value[]),
];

const anything = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...nasty) },
  fc.string({ maxLength: 40, unit: 'binary-ascii' }),
);

/** What an honest site would send for a member: half of the values are, so that the others get past the first check. */
const plausible: Readonly<Record<string, Value>> = {
  ...{ id: 'kept', name: 'demo', version: '1', owner: 'owner', argv: ['true'], confile: 'FROM demo:1\nRUN true\n' },
  ...{ line: 1, offset: '0', after: '0', limit: 1, timeoutMs: 1, memoryBytes: '268435456', cpuMillis: 500, pids: 100 },
};

/** A struct with the members that a method takes, each of which may be anything, missing, or one too many. */
function paramsFor(name: MethodName): fc.Arbitrary<Value> {
  const struct = structOf(methods[name].params);
  const more = fc.tuple(struct, anything).map(([known, other]) => ({ ...(known as object), other }) as Value);
  return fc.oneof({ weight: 8, arbitrary: struct }, more, anything as fc.Arbitrary<Value>);
}

function structOf(schema: z.ZodObject): fc.Arbitrary<Value> {
  const members = Object.entries(schema.shape as Record<string, z.ZodType>);
  const requiredKeys = members.filter(([, one]) => !(one instanceof z.ZodOptional)).map(([key]) => key);
  const shape = Object.fromEntries(members.map(([key, one]) => [key, memberOf(key, one)]));
  return fc.oneof(fc.record(shape, { requiredKeys }), fc.record(shape, { requiredKeys: [] })) as fc.Arbitrary<Value>;
}

function memberOf(key: string, schema: z.ZodType): fc.Arbitrary<Value> {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
  const right = inner instanceof z.ZodObject ? structOf(inner) : fc.constant(plausible[key] ?? 'demo');
  return fc.oneof(right, anything) as fc.Arbitrary<Value>;
}

/** Every file around con's home, and what is in it. */
function surroundings(): string[] {
  return readdirSync(canaries, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('pool/'))
    .sort()
    .map((name) => {
      const path = join(canaries, name);
      return statSync(path).isFile() ? `${name} ${readFileSync(path, 'utf8')}` : name;
    });
}

describe('A hostile site', () => {
  let con: FakeCon;

  beforeAll(async () => {
    writeFileSync(join(canaries, 'canary'), 'sings');
    mkdirSync(join(canaries, 'bird'));
    con = await startFakeCon({ home: join(canaries, 'pool') });
    const confile = 'FROM debian:bookworm\nEXPOSE 80\n';
    await con.client['templates.build']({ name: 'demo', version: '1', confile });
    await until(async () => (await con.client['templates.list']({})).templates[0]?.state === 'ready');
    const order = { id: 'kept', name: 'kept', owner: 'owner', template: { name: 'demo', version: '1' } };
    await con.client['containers.create'](order);
  });
  afterAll(async () => {
    await con.stop();
    rmSync(canaries, { recursive: true });
  });

  async function ask(
    method: string,
    params: Value,
  ): Promise<{ kind: string; faultCode?: number; faultString?: string }> {
    const headers = { Authorization: `Bearer ${con.token}` };
    const answer = await fetch(`${con.url}/RPC2`, { method: 'POST', body: encodeCall(method, [params]), headers });
    expect(answer.status).toBe(200);
    return decodeAnswer(new Uint8Array(await answer.arrayBuffer())) as { kind: string; faultCode?: number };
  }

  it.each(Object.keys(methods) as MethodName[])(
    'gets a result or a reason of %s whatever it sends, never an internal fault, and nothing around its home moves',
    async (method) => {
      const before = surroundings();
      await fc.assert(
        fc.asyncProperty(paramsFor(method), async (params) => {
          const { kind, faultCode, faultString } = await ask(method, params);
          if (kind === 'result') return;
          expect([faultCode, faultString]).not.toEqual([500, faultString]);
          expect(faultString).toMatch(/^cannot /);
        }),
        { numRuns: 150 },
      );
      expect(surroundings()).toEqual(before);
      expect((await ask('host.info', {})).kind).toBe('result');
    },
  );
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
