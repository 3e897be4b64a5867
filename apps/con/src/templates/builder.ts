import type { Readable } from 'node:stream';
import type { Owner } from '@berth/confile';
import { Problem } from '@berth/problem';
import type { LineSpec, Runtime } from '../host/runtime.js';
import type { Context } from './context.js';
import { Flat } from './flat.js';
import type { LineLog, Logs } from './log.js';
import { askOwner, numbersOf, packed, root, unpack, type Ids } from './pack.js';
import type { PlannedLine } from './plan.js';
import type { SnapshotRow } from './records.js';
import { secretScan, secretsFound } from './secrets.js';
import { SharedWork } from './shared-work.js';
import { Workplace, type Place, type WorkplaceNeeds } from './workplace.js';

/** What a line finds beside its ENV. */
const always = { LANG: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' };

export type BuilderNeeds = WorkplaceNeeds &
  Readonly<{ runtime: Pick<Runtime, 'line'>; logs: Logs; mostLayers?: number }>;

/** What RUN has and COPY does without. */
type Surrounded = Pick<LineSpec, 'workdir' | 'network' | 'environment'>;

/** Makes snapshots out of lines. A line that several builds want at once is run once, and all of them get how it ended. */
export class Builder {
  private readonly making = new Map<string, SharedWork<SnapshotRow>>();
  private readonly workplace: Workplace;
  private readonly flat: Flat;

  constructor(private readonly needs: BuilderNeeds) {
    this.workplace = new Workplace(needs);
    this.flat = new Flat(needs, this.workplace, needs.mostLayers);
  }

  /** @throws Problem that says why the line failed, or the reason of `cancelled`. */
  async make(
    line: PlannedLine,
    above: SnapshotRow | undefined,
    context: Context | undefined,
    cancelled: AbortSignal,
  ): Promise<SnapshotRow> {
    if (line.work.kind === 'stand') return line.work.snapshot;
    for (let dying = this.making.get(line.key); dying?.isGivenUp; dying = this.making.get(line.key))
      await dying.ended();
    cancelled.throwIfAborted();
    const ready = this.needs.snapshots.byKey(line.key);
    if (ready) return ready;
    const making = this.making.get(line.key) ?? this.begin(line, above, context);
    return making.wait(cancelled, { toTheEnd: line.work.kind === 'copy' });
  }

  private begin(
    line: PlannedLine,
    above: SnapshotRow | undefined,
    context: Context | undefined,
  ): SharedWork<SnapshotRow> {
    const making = new SharedWork((givenUp) =>
      this.run({ line, givenUp }, above, context).finally(() => this.making.delete(line.key)),
    );
    this.making.set(line.key, making);
    return making;
  }

  /** @throws Problem naming the files that would be the same secret in every container. */
  async mustHoldNoSecret(snapshot: SnapshotRow, givenUp: AbortSignal): Promise<void> {
    const { snapshots, runtime } = this.needs;
    const nearest = snapshots.line(snapshot.id).find(({ layer, checked }) => checked || layer !== undefined);
    if (nearest?.checked) return;
    const output: Buffer[] = [];
    await this.workplace.visit({ doing: 'look for secrets', givenUp }, snapshots.chain(snapshot.id), async (place) => {
      const common = { workdir: '/', environment: {}, network: false };
      const code = await runtime.line({ ...place, ...common, argv: secretScan, log: (chunk) => output.push(chunk) });
      if (code !== 0) throw new Problem('internal', `cannot look for secrets: the search ended with ${code}`);
    });
    const found = secretsFound(Buffer.concat(output).toString('utf8'));
    if (found.length > 0) throw bakedIn(found);
    snapshots.check(snapshot.id);
  }

  discard(layer: number): Promise<void> {
    return this.workplace.discard(layer);
  }

  private async run(
    { line, givenUp }: Wanted,
    above: SnapshotRow | undefined,
    context: Context | undefined,
  ): Promise<SnapshotRow> {
    const { logs } = this.needs;
    if (line.work.kind === 'note') return this.keep(line, above, { bytes: 0n, began: performance.now() });
    const chain = above ? await this.flat.beneath(above.id, givenUp) : [];
    const log = logs.open(line.key);
    const began = performance.now();
    try {
      if (line.work.kind === 'base') return await this.base({ line, givenUp }, line.work.suite, log);
      return await this.workplace.above(
        { doing: 'run the line', givenUp },
        chain,
        (place) => this.command(line, place, log, context),
        (sealed) => this.keep(line, above, { ...sealed, began }),
      );
    } finally {
      log.close();
    }
  }

  private base({ line, givenUp }: Wanted, suite: string, log: LineLog): Promise<SnapshotRow> {
    const began = performance.now();
    return this.workplace.inNewLayer({ doing: `lay down debian:${suite}`, givenUp }, async (layer, signal) => {
      const { bytes } = await this.needs.layers.base(layer, suite, { log: (chunk) => log.write(chunk), signal });
      signal.throwIfAborted();
      return this.keep(line, undefined, { layer, bytes, began, checked: true });
    });
  }

  private keep({ key, text, surroundings }: PlannedLine, above: SnapshotRow | undefined, made: Made): SnapshotRow {
    const { layer, bytes: sizeBytes, began, checked = false } = made;
    const milliseconds = Math.round(performance.now() - began);
    return this.needs.snapshots.add({
      key,
      parent: above?.id,
      text,
      layer,
      sizeBytes,
      milliseconds,
      surroundings,
      checked,
    });
  }

  private async command(line: PlannedLine, place: Place, log: LineLog, context: Context | undefined): Promise<void> {
    const { work, surroundings } = line;
    if (work.kind === 'copy') {
      const ids = work.owner ? await this.idsOf(work.owner, place, log) : root;
      const input = packed(context, work.picked, work.landing, ids);
      return this.ended(place, log, { argv: unpack(work.landing), input });
    }
    if (work.kind !== 'run') return;
    const environment = { ...surroundings.args, ...surroundings.environment };
    return this.ended(place, log, { argv: work.argv, workdir: surroundings.workdir, network: true, environment });
  }

  /** Runs to the end, and through it where it failed. @throws Problem `invalid` */
  private async ended(
    place: Place,
    log: LineLog,
    { environment = {}, input, ...what }: Pick<LineSpec, 'argv'> & Partial<Surrounded> & { input?: Readable },
  ): Promise<void> {
    // Where the reader ended early, the line's exit code and its log say why; the cut pipe adds only itself.
    input?.on('error', (error) => log.write(Buffer.from(`[the files could not all be sent: ${error.message}]\n`)));
    try {
      const code = await this.needs.runtime.line({
        ...place,
        ...{ workdir: '/', network: false, ...what },
        ...(input ? { input } : {}),
        environment: { ...always, ...environment },
        log: (chunk) => log.write(chunk),
      });
      if (log.fault) throw new Error('the log could not be written', { cause: log.fault });
      if (code !== 0)
        throw new Problem('invalid', `cannot run the line: it ended with exit code ${code}; its log says why`);
    } finally {
      input?.destroy();
    }
  }

  /** Names are those of the image: nobody but a program inside can tell. */
  private async idsOf(owner: Owner, place: Place, log: LineLog): Promise<Ids> {
    const known = numbersOf(owner);
    if (known) return known;
    const output: Buffer[] = [];
    const asked = { ...place, argv: askOwner(owner), workdir: '/', environment: always, network: false };
    const code = await this.needs.runtime.line({ ...asked, log: (chunk) => output.push(chunk) });
    const text = Buffer.concat(output).toString('utf8');
    const [, uid, gid] = /^(\d+) (\d+)\n$/.exec(text) ?? [];
    if (code === 0 && uid !== undefined) return { uid: Number(uid), gid: Number(gid) };
    log.write(Buffer.from(text));
    throw new Problem(
      'invalid',
      'cannot copy for that owner: the image knows no such user or group; its log says which',
    );
  }
}

/** A line, and what is aborted when no build wants it any more. */
type Wanted = Readonly<{ line: PlannedLine; givenUp: AbortSignal }>;

type Made = Readonly<{ layer?: number; bytes: bigint; began: number; checked?: boolean }>;

function bakedIn(found: readonly string[]): Problem {
  const some = found.slice(0, 5).join(', ');
  const cure = 'remove it in the line that makes it, and make it at first boot';
  return new Problem('invalid', `cannot finish: ${some} would be the same secret in every container; ${cure}`);
}
