import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConClient, Container, ContainerSnapshot } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { columns } from './columns.js';
import { noWait, textOf, type Command } from './command.js';
import { find } from './find.js';
import { settle } from './settle.js';
import { readWhole, shownBytes } from './units.js';

const dayMs = 86_400_000;

const snapshot: Command = {
  words: 'containers snapshot',
  short: 'snapshot',
  method: 'containers.snapshot',
  args: '<name> [snapshot]',
  options: [
    ['--id <id>', 'an id of your own: the same again is the same snapshot'],
    ['--days <days>', 'how long it is kept; until it is removed unless told'],
    noWait,
  ],
  run: async ({ con, terminal }, given) => {
    const container = await find(con, given.args[0] ?? '');
    const [name, days] = [given.args[1], textOf(given, 'days')];
    const order = {
      id: container.id,
      snapshot: textOf(given, 'id') ?? `s${randomBytes(8).toString('hex')}`,
      ...(name === undefined ? {} : { name }),
      ...(days === undefined
        ? {}
        : { expiresAt: new Date(Date.now() + readWhole(days, 'a number of days') * dayMs).toISOString() }),
    };
    const asked = (await con['containers.snapshot'](order)).snapshot;
    const now = given.options['wait'] === false ? asked : await kept(con, container, asked);
    if (terminal.json) terminal.result(now);
    else terminal.line(`${container.name} is kept as ${called(now)}${size(now)}`);
    return 0;
  },
};

const list: Command = {
  words: 'containers snapshots',
  short: 'snapshots',
  method: 'containers.snapshots',
  args: '<name>',
  run: async ({ con, terminal }, { args }) => {
    const { id } = await find(con, args[0] ?? '');
    const answer = await con['containers.snapshots']({ id });
    if (terminal.json) {
      terminal.result(answer);
      return 0;
    }
    const rows = answer.snapshots.map((one) => [
      one.name ?? '',
      one.id,
      one.reason === undefined ? one.state : `${one.state}: ${one.reason}`,
      one.sizeBytes === undefined ? '' : shownBytes(one.sizeBytes),
      one.createdAt,
      one.expiresAt ?? '',
    ]);
    for (const line of columns(['NAME', 'ID', 'STATE', 'SIZE', 'CREATED', 'EXPIRES'], rows)) terminal.line(line);
    return 0;
  },
};

const restore: Command = {
  words: 'containers restore-snapshot',
  short: 'restore-snapshot',
  method: 'containers.restoreSnapshot',
  args: '<name> <snapshot>',
  options: [noWait],
  run: async ({ con, terminal }, { args, options }) => {
    const before = await find(con, args[0] ?? '');
    const wanted = await findSnapshot(con, before, args[1] ?? '');
    const { container } = await con['containers.restoreSnapshot']({ id: before.id, snapshot: wanted.id });
    const now = options['wait'] === false ? container : await settle(con, container, 'stopped');
    if (terminal.json) terminal.result(now);
    else terminal.line(`${now.name} holds what it held at ${wanted.createdAt}, and is ${now.state}`);
    return 0;
  },
};

const remove: Command = {
  words: 'containers remove-snapshot',
  short: 'remove-snapshot',
  method: 'containers.removeSnapshot',
  args: '<name> <snapshot>',
  run: async ({ con, terminal }, { args }) => {
    const container = await find(con, args[0] ?? '');
    const wanted = await findSnapshot(con, container, args[1] ?? '');
    const answer = await con['containers.removeSnapshot']({ id: container.id, snapshot: wanted.id });
    if (terminal.json) terminal.result(answer);
    else terminal.line(`${called(wanted)} of ${container.name} is being removed`);
    return 0;
  },
};

/** The snapshot that a person means: by id, or else by a name that only one has. @throws Problem */
export async function findSnapshot(con: ConClient, { id, name }: Container, word: string): Promise<ContainerSnapshot> {
  const { snapshots } = await con['containers.snapshots']({ id });
  const byId = snapshots.find((one) => one.id === word);
  if (byId) return byId;
  const [named, ...others] = snapshots.filter((one) => one.name === word);
  if (!named) {
    const said = `cannot find a snapshot called ${JSON.stringify(word)}; con snapshots ${name} shows them`;
    throw new Problem('not_found', said);
  }
  if (others.length === 0) return named;
  const ids = [named, ...others].map((one) => `${one.id} (${one.createdAt})`).join(', ');
  throw new Problem('conflict', `cannot tell which ${JSON.stringify(word)} is meant: say one of the ids ${ids}`);
}

/** con holds each to a deadline. */
async function kept(con: ConClient, { id, name }: Container, asked: ContainerSnapshot): Promise<ContainerSnapshot> {
  let now: ContainerSnapshot | undefined = asked;
  for (let pauseMs = 20; now?.state === 'keeping'; pauseMs = Math.min(pauseMs * 1.5, 500)) {
    await sleep(pauseMs);
    now = (await con['containers.snapshots']({ id })).snapshots.find((one) => one.id === asked.id);
  }
  if (now?.state === 'kept') return now;
  const why = now?.reason ?? 'somebody has removed it';
  throw new Problem('conflict', `cannot say that ${name} is kept as ${called(asked)}: ${why}`);
}

const called = ({ id, name }: ContainerSnapshot): string => name ?? id;
const size = ({ sizeBytes }: ContainerSnapshot): string =>
  sizeBytes === undefined ? '' : `, ${shownBytes(sizeBytes)}`;

export const snapshotCommands: readonly Command[] = [snapshot, list, restore, remove];
