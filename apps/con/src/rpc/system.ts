import { methods, type Method } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Value } from '@berth/xmlrpc';

type Named = Readonly<{ help: string; signature: readonly string[]; answer: (params: readonly Value[]) => Value }>;

const named: Readonly<Record<string, Named>> = {
  'system.listMethods': {
    help: 'Lists the names of all methods.',
    signature: ['array'],
    answer: (params) => {
      if (params.length > 0) throw new Problem('invalid', 'cannot call system.listMethods: it takes no params');
      return [...Object.keys(methods), ...Object.keys(named)];
    },
  },
  'system.methodHelp': {
    help: 'Tells in a sentence what a method does.',
    signature: ['string', 'string'],
    answer: (params) => {
      const name = nameIn(params, 'system.methodHelp');
      return rowOf(name)?.help ?? named[name]?.help ?? '';
    },
  },
  'system.methodSignature': {
    help: 'Lists the signatures of a method, the type of its result first.',
    signature: ['array', 'string'],
    answer: (params) => {
      const name = nameIn(params, 'system.methodSignature');
      const row = rowOf(name);
      return row ? signaturesOf(row) : [named[name]?.signature ?? []];
    },
  },
};

/** Introspection after the convention that most XML-RPC servers share; `undefined` for any other name. */
export function systemMethod(name: string): Named['answer'] | undefined {
  return Object.hasOwn(named, name) ? named[name]?.answer : undefined;
}

/** All take and give one struct; one that needs no member may be called without. */
function signaturesOf({ params }: Method): string[][] {
  const optional = params.safeParse({}).success;
  return optional ? [['struct'], ['struct', 'struct']] : [['struct', 'struct']];
}

function rowOf(name: string): Method | undefined {
  return Object.entries(methods).find(([key]) => key === name)?.[1];
}

function nameIn(params: readonly Value[], asked: string): string {
  const [name, ...more] = params;
  if (typeof name !== 'string' || more.length > 0)
    throw new Problem('invalid', `cannot call ${asked}: it takes the name of a method`);
  if (!rowOf(name) && !systemMethod(name)) {
    throw new Problem('not_found', `cannot tell about ${JSON.stringify(name.slice(0, 80))}: there is no such method`);
  }
  return name;
}
