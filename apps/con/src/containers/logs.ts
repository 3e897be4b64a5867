import type { ParamsOf, ResultOf } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { TemplateSource } from '../templates/ready.js';
import { Turns } from '../templates/turns.js';
import type { Desk } from './desk.js';
import { isCursor, readEntries } from './log-entries.js';
import type { ContainerRecord } from './record.js';

export type LogsNeeds = Readonly<{
  host: Pick<Host, 'layers' | 'runtime'>;
  templates: Pick<TemplateSource, 'chainOf'>;
}> &
  Desk;

const usualLines = 200;
/** What one answer holds: the rest is read from where it ends. */
const mostBytes = 256 * 1024;
const readMs = 10_000;
/** Each is a small container of its own. */
const readsAtOnce = 4;

const fields = 'MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM';

/**
 * The journal of a container, read beside it: also where it is off, or where nothing more can be started in it. The
 * files are its root's own, so that only a command with its ids reads them, never con.
 */
export class Logs {
  private readonly turns = new Turns(readsAtOnce);

  constructor(private readonly needs: LogsNeeds) {}

  /** The last lines, or those after a place. @throws Problem `invalid`, `conflict`, `unavailable` where there is no journal. */
  async read({ id, after, lines }: ParamsOf<'containers.logs'>): Promise<ResultOf<'containers.logs'>> {
    if (after !== undefined && !isCursor(after))
      throw new Problem('invalid', 'cannot read the log from there: give what `next` said last time');
    this.needs.mustAllow('logs', this.needs.must(id));
    const from = after === undefined ? `--lines=${lines ?? usualLines}` : `--after-cursor=${after}`;
    const argv = ['journalctl', '--quiet', '--no-pager', '--output=json', `--output-fields=${fields}`, from];
    let heard: Heard | undefined;
    await this.turns.during(() =>
      this.needs.moment(`read the log of ${id}`, id, async () => {
        const record = this.needs.must(id);
        this.needs.mustAllow('logs', record);
        heard = await this.beside(record, argv);
      }),
    );
    if (!heard) throw new Problem('unavailable', `cannot read the log of ${id}: it was not reached in time`);
    mustHaveRead(heard, id);
    const { entries, next = after } = readEntries(heard.text);
    return { entries, more: heard.isCut, ...(next === undefined ? {} : { next }) };
  }

  /** On its root, which is mounted for that where nothing runs. */
  private async beside(record: ContainerRecord, argv: readonly string[]): Promise<Heard> {
    const { host, templates } = this.needs;
    const { slot, range, snapshot } = record;
    const isAlive = (await host.runtime.running()).some((life) => life.slot === slot);
    const root = await host.layers.mount(slot, range, templates.chainOf(snapshot));
    const enough = new AbortController();
    const heard = { text: '', isCut: false, code: 0 };
    const log = (chunk: Buffer): void => {
      const room = mostBytes - heard.text.length;
      heard.text += chunk.toString('utf8').slice(0, room);
      if (chunk.length < room || heard.isCut) return;
      heard.isCut = true;
      enough.abort();
    };
    const signal = AbortSignal.any([enough.signal, AbortSignal.timeout(readMs)]);
    try {
      heard.code = await host.runtime.aside({ slot, range, root, argv, log, signal });
    } catch (error) {
      if (!heard.isCut) throw error; // it was ended because it had said enough
    } finally {
      if (!isAlive) await host.layers.unmount(slot);
    }
    return heard;
  }
}

type Heard = { text: string; isCut: boolean; code: number };

/** 127 is what a shell says of a command that is not there. */
function mustHaveRead({ code, text, isCut }: Heard, id: string): void {
  if (code === 0 || isCut) return;
  const reason =
    code === 127
      ? 'it has no journalctl'
      : text
          .replace(/[^\x20-\x7e]+/g, ' ')
          .slice(-500)
          .trim();
  throw new Problem('unavailable', `cannot read the log of ${id}: ${reason || `journalctl ended with ${code}`}`);
}
