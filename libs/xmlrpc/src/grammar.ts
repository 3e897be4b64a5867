import { readBase64, readBoolean, readDate, readDouble, readInt, shown, type ReadScalar } from './scalars.js';
import { Malformed } from './values.js';

/** An element of XML-RPC: what may stand in it, and how its text is read where text is what it holds. */
export type Rule = Readonly<{
  name: string;
  /** Elements it may hold, in this order where `exactly` is given. */
  holds: ReadonlySet<string>;
  /** The elements it must hold, each once, in order. */
  exactly?: readonly string[];
  read?: ReadScalar;
}>;

function holds(name: string, ...children: string[]): Rule {
  return { name, holds: new Set(children) };
}

function exactly(name: string, ...children: string[]): Rule {
  return { name, holds: new Set(children), exactly: children };
}

function scalar(name: string, read: ReadScalar): Rule {
  return { name, holds: new Set(), read };
}

const asItIs: ReadScalar = (text) => text;

const rules: readonly Rule[] = [
  holds('methodCall', 'methodName', 'params'),
  holds('methodResponse', 'params', 'fault'),
  scalar('methodName', asItIs),
  holds('params', 'param'),
  exactly('param', 'value'),
  exactly('fault', 'value'),
  holds('value', 'string', 'int', 'i4', 'boolean', 'double', 'dateTime.iso8601', 'base64', 'array', 'struct'),
  exactly('array', 'data'),
  holds('data', 'value'),
  holds('struct', 'member'),
  exactly('member', 'name', 'value'),
  scalar('name', asItIs),
  scalar('string', asItIs),
  scalar('int', readInt),
  scalar('i4', readInt),
  scalar('boolean', readBoolean),
  scalar('double', readDouble),
  scalar('dateTime.iso8601', readDate),
  scalar('base64', readBase64),
];

const byName: ReadonlyMap<string, Rule> = new Map(rules.map((rule) => [rule.name, rule]));

/** Extensions that some libraries speak; each has its cure. */
const extensions: ReadonlyMap<string, string> = new Map([
  ['i8', 'whole numbers beyond 32 bits travel as decimal strings'],
  ['nil', 'what is absent is left out'],
]);

/** @throws Malformed where no such element exists. */
export function ruleOf(name: string): Rule {
  const rule = byName.get(name);
  if (rule) return rule;
  const cure = extensions.get(name);
  throw new Malformed(cure ? `<${name}> is an extension: ${cure}` : `there is no element ${shown(name)}`);
}
