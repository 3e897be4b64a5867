import { createHash } from 'node:crypto';
import {
  ConfileFault,
  bareSurroundings,
  faultAt,
  resolve,
  type Act,
  type Confile,
  type Owner,
  type Surroundings,
} from '@berth/confile';
import { Problem } from '@berth/problem';
import type { Entry } from './context.js';
import { digestOf, landingOf, pick, type Landing, type Picked } from './copy.js';
import type { SnapshotRow } from './records.js';

/** The distributions that a base can be laid down of. */
export const suites: readonly string[] = ['bookworm', 'trixie'];

/** What has to be done for one line whose key is not in the cache. */
export type Work =
  | Readonly<{ kind: 'base'; suite: string }>
  | Readonly<{ kind: 'stand'; snapshot: SnapshotRow }>
  | Readonly<{ kind: 'run'; argv: readonly string[] }>
  | Readonly<{ kind: 'copy'; picked: Picked; landing: Landing; owner?: Owner }>
  | Readonly<{ kind: 'note' }>;

export type PlannedLine = Readonly<{ line: number; text: string; key: string; work: Work; surroundings: Surroundings }>;

/** Grows when con runs the same line in another way than before: then every line is run anew. */
const recipe = 1;

/**
 * All lines with their cache keys: data in, data out. A key is made from the key above, the act with its variables
 * replaced, what stands around it (environment, directory, ports, labels) and the files it copies; never from a clock.
 *
 * @param stands the snapshot that FROM names, absent for a distribution
 * @param entries the files of the context; 'later' while they are on their way, which leaves keys of COPY meaningless
 * @throws ConfileFault at the line whose values or files cannot be used
 */
export function plan(
  confile: Confile,
  stands: SnapshotRow | undefined,
  entries: ReadonlyMap<string, Entry> | 'later' | undefined,
): readonly PlannedLine[] {
  const { from } = confile;
  const base: PlannedLine = stands
    ? {
        line: from.line,
        text: from.text,
        key: stands.key,
        work: { kind: 'stand', snapshot: stands },
        surroundings: withoutArgs(stands.surroundings),
      }
    : {
        line: from.line,
        text: from.text,
        key: keyOf(['base', from.version]),
        work: { kind: 'base', suite: from.version },
        surroundings: bareSurroundings,
      };
  const lines = [base];
  let above = base;
  for (const instruction of confile.lines) {
    const { act, after } = resolve(instruction, above.surroundings);
    const work = workOf(act, entries, instruction);
    const digest = work.kind === 'copy' ? digestOf(work.picked) : '';
    above = {
      line: instruction.line,
      text: instruction.text,
      key: keyOf([above.key, act, after, digest]),
      work,
      surroundings: after,
    };
    lines.push(above);
  }
  return lines;
}

function workOf(
  act: Act,
  entries: ReadonlyMap<string, Entry> | 'later' | undefined,
  place: { line: number; column: number },
): Work {
  if (act.kind === 'run') return act;
  if (act.kind !== 'copy') return { kind: 'note' };
  if (entries === undefined && act.sources.length > 0)
    throw faultAt(place, 'COPY needs files: send them as the context of the build');
  const owner = act.owner ? { owner: act.owner } : {};
  if (entries === 'later') return { kind: 'copy', picked: new Map(), landing: { path: '/' }, ...owner };
  try {
    const picked = pick(entries ?? new Map(), act);
    return { kind: 'copy', picked, landing: landingOf(picked, act), ...owner };
  } catch (error) {
    if (error instanceof Problem && !(error instanceof ConfileFault)) throw faultAt(place, error.message);
    throw error;
  }
}

/** ARGs are for the Confile that they stand in. */
function withoutArgs({ args: _, ...rest }: Surroundings): Surroundings {
  return rest;
}

function keyOf(parts: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([recipe, parts]))
    .digest('hex');
}
