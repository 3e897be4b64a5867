import { setTimeout as sleep } from 'node:timers/promises';
import type { LogEntry } from '@berth/con-protocol';
import { textOf, type Command, type Room } from './command.js';
import { find } from './find.js';
import { readWhole } from './units.js';

const followMs = 1_000;

export const logs: Command = {
  words: 'containers logs',
  short: 'logs',
  method: 'containers.logs',
  args: '<name>',
  options: [
    ['-f, --follow', 'go on with what comes; Ctrl-C ends it'],
    ['-n, --lines <count>', 'so many of the last (default: 200)'],
  ],
  run: async (room, given) => {
    const { id } = await find(room.con, given.args[0] ?? '');
    const count = textOf(given, 'lines');
    const lines = count === undefined ? {} : { lines: readWhole(count, 'a number of lines') };
    const isFollowed = given.options['follow'] === true;
    const interrupt = new AbortController();
    const stop = (): void => interrupt.abort();
    if (isFollowed) room.interrupts.once('SIGINT', stop);
    try {
      await print(room, { id, ...lines }, isFollowed, interrupt.signal);
      return 0;
    } catch (thrown) {
      if (!interrupt.signal.aborted) throw thrown;
      return 0; // following has no other end
    } finally {
      room.interrupts.off('SIGINT', stop);
    }
  },
};

async function print(
  { con, terminal }: Room,
  order: { id: string; lines?: number },
  isFollowed: boolean,
  interrupted: AbortSignal,
): Promise<void> {
  for (let after: string | undefined; ;) {
    const answer = await con['containers.logs'](after === undefined ? order : { id: order.id, after });
    if (terminal.json) for (const entry of answer.entries) terminal.result(entry);
    else for (const entry of answer.entries) terminal.line(shown(entry));
    const isNew = answer.next !== undefined && answer.next !== after;
    after = answer.next;
    if (answer.more && isNew) continue;
    if (!isFollowed) return;
    await sleep(followMs, undefined, { signal: interrupted });
  }
}

function shown({ at, source, text }: LogEntry): string {
  return `${at}  ${source ? `${source}: ` : ''}${text}`;
}
