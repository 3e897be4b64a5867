import { Problem } from '@berth/problem';

/** The letters of a DNS label (RFC 1123 §2.1), because the name becomes a host name inside and outside. */
const label = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

export type NameFault = 'empty' | 'long' | 'letters' | 'ends';

/** Why a text cannot name a container or a template; `undefined` when it can. */
export function nameFault(name: string): NameFault | undefined {
  if (name.length === 0) return 'empty';
  if (name.length > 63) return 'long';
  if (!/^[a-z0-9-]+$/.test(name)) return 'letters';
  if (!label.test(name)) return 'ends';
  return undefined;
}

const rule: Readonly<Record<NameFault, string>> = {
  empty: 'a name has at least one letter',
  long: 'a name has at most 63 letters',
  letters: 'a name has only the letters a to z, digits and hyphens',
  ends: 'a name begins and ends with a letter or a digit',
};

/** @throws Problem `invalid`, naming the rule. The text itself is quoted as JSON, so that it cannot act on a terminal. */
export function mustBeName(name: string, what = 'container'): string {
  const fault = nameFault(name);
  if (fault) throw new Problem('invalid', `cannot name a ${what} ${quoted(name)}: ${rule[fault]}`);
  return name;
}

/** Ids are made by the caller of con, never by a person: the same allow-list keeps them safe in paths. */
export function mustBeId(id: string): string {
  if (nameFault(id))
    throw new Problem('invalid', `cannot use the id ${quoted(id)}: it must match ${label.source}, 63 letters at most`);
  return id;
}

/** ASCII only and short: control characters and right-to-left marks become escapes. */
function quoted(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return JSON.stringify(short).replace(/[^\x20-\x7e…]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
