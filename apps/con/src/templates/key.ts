import { mustBeName } from '@berth/container';
import { Problem } from '@berth/problem';

/** What a person calls a template. */
export type Key = Readonly<{ name: string; version: string }>;

export function nameOf({ name, version }: Key): string {
  return `${name}:${version}`;
}

/** Snapshots are numbered; towards the outside a letter keeps them from being mistaken for another number. */
export function idOf(snapshot: number): string {
  return `s${snapshot}`;
}

/** The number behind an id; one that no snapshot has where the id is none of ours. */
export function numberOf(id: string): number {
  return Number(/^s(\d{1,15})$/.exec(id)?.[1] ?? -1);
}

/** @throws Problem `invalid`, naming the rule. `debian` is the one name that is not made from a Confile. */
export function mustBeKey({ name, version }: Key): Key {
  mustBeName(name, 'template');
  if (name === 'debian')
    throw new Problem('invalid', 'cannot name a template "debian": that is what FROM calls the distribution');
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/.test(version)) {
    throw new Problem(
      'invalid',
      `cannot use the version ${shown(version)}: it has 1 to 63 letters, digits, dots, hyphens or underscores, and begins and ends with a letter or a digit`,
    );
  }
  return { name, version };
}

/** What a caller sent, short and in ASCII, so that it cannot act on a terminal. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 130)).replace(/[^\x20-\x7e]/g, '?');
}
