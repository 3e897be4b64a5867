import type { DatabaseSync } from 'node:sqlite';
import { bareSurroundings, ConfileFault, parseConfile, type Healthcheck } from '@berth/confile';
import type { ParamsOf, ResultOf, Snapshot, Step, Template } from '@berth/con-protocol';
import { asProblem, Problem } from '@berth/problem';
import type { Chain, Layer, Layers } from '../host/layers.js';
import type { Runtime } from '../host/runtime.js';
import { Arrivals, type Receive } from './arrival.js';
import { Builder } from './builder.js';
import type { Context } from './context.js';
import { idOf, mustBeKey, nameOf, numberOf, shown, type Key } from './key.js';
import { Logs } from './log.js';
import { plan, type PlannedLine } from './plan.js';
import { Progress, type TemplateRow } from './progress.js';
import type { ReadyTemplate, Snapshotted, TemplateSource } from './ready.js';
import { SnapshotRecords, type SnapshotRow } from './records.js';
import { standsOn } from './standing.js';
import { Sweep, type Held } from './sweep.js';
import { templateOf, treeOf, type InService } from './view.js';

export type TemplatesNeeds = Readonly<{
  database: DatabaseSync;
  layers: Layers;
  runtime: Pick<Runtime, 'line' | 'clearLines'>;
  /** con's home: logs and contexts lie in it. */
  home: string;
  receive: Receive;
  /** Names of the containers that stand on a snapshot, by the id that `ready` answered; those in the trash, too. */
  containersOn: (snapshot: string) => readonly string[];
  /** Where what nobody asked for is told: a failure in the background, with its cause. */
  tell: (message: string, error?: unknown) => void;
  lineTimeoutMs?: number;
  uploadTimeoutMs?: number;
  /** Below one line; longer chains are laid down as one layer first. */
  mostLayers?: number;
}>;

const minute = 60_000;

/** Named, versioned leaves of a tree of snapshots. A build answers at once; how it goes is read from the template. */
export class Templates implements TemplateSource {
  private readonly snapshots: SnapshotRecords;
  private readonly progress: Progress;
  private readonly logs: Logs;
  private readonly arrivals: Arrivals;
  private readonly builder: Builder;
  private readonly sweep: Sweep;
  private readonly closing = new AbortController();
  private readonly builds = new Map<string, Build>();

  constructor(private readonly needs: TemplatesNeeds) {
    const { database, home, receive, containersOn, lineTimeoutMs = 30 * minute, uploadTimeoutMs = minute } = needs;
    const closing = this.closing.signal;
    this.snapshots = new SnapshotRecords(database);
    this.progress = new Progress(database);
    this.logs = new Logs(home);
    this.arrivals = new Arrivals({ home, receive, closing, timeoutMs: uploadTimeoutMs });
    this.builder = new Builder({ ...needs, snapshots: this.snapshots, logs: this.logs, closing, lineTimeoutMs });
    this.sweep = new Sweep({
      snapshots: this.snapshots,
      progress: this.progress,
      logs: this.logs,
      builder: this.builder,
      containersOn: (snapshot) => containersOn(snapshot).length,
    });
  }

  /** After a crash: what was being built has failed, and what its lines left is removed. Only what the records own is touched. */
  async recover(): Promise<void> {
    await this.needs.runtime.clearLines();
    this.progress.interrupted();
    await this.sweep.recover();
    const onDisk = new Set(await this.needs.layers.layers());
    const recorded = new Set(this.snapshots.layersIn('sealed'));
    for (const layer of recorded)
      if (!onDisk.has(layer))
        this.needs.tell(
          `layer ${layer} is missing on disk: templates that stand on it must be removed and built again`,
        );
    for (const layer of await this.strangeLayers())
      this.needs.tell(`layer ${layer} on disk is in no record of this daemon: it is left alone`);
  }

  /** Layers on the disk that no record tells of. */
  async strangeLayers(): Promise<readonly Layer[]> {
    return this.snapshots.strange(await this.needs.layers.layers());
  }

  /** Ends running builds as `failed: interrupted`, and answers when none is left. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([...this.builds.values()].map(({ settled }) => settled));
  }

  /** @throws Problem `invalid` (ConfileFault with places), `not_found` for FROM, `conflict` while it is being built. */
  build(order: ParamsOf<'templates.build'>): ResultOf<'templates.build'> {
    const key = mustBeKey(order);
    const confile = parseConfile(order.confile, order.args);
    if (this.builds.has(nameOf(key)))
      throw new Problem('conflict', `cannot build ${nameOf(key)}: it is being built already`);
    const base = standsOn(confile, key, (wanted) => this.progress.get(wanted));
    const stands = base === undefined ? undefined : this.snapshots.mustGet(base);
    const bytes = order.contextBytes;
    const lines = plan(confile, stands, bytes === undefined ? undefined : 'later');
    if (bytes !== undefined) this.arrivals.mustFit(bytes);
    const before = this.sweep.held(key);
    this.progress.begin(key, lines, lines.at(-1)?.surroundings ?? bareSurroundings, stands);
    const cancel = new AbortController();
    const arrival = bytes === undefined ? undefined : this.arrivals.expect(bytes, cancel.signal);
    const work = async (): Promise<void> => {
      try {
        const context = await arrival?.context;
        await this.run(key, context ? plan(confile, stands, context.entries) : lines, context, cancel.signal);
      } finally {
        arrival?.remove();
      }
    };
    this.builds.set(nameOf(key), { cancel, settled: this.settle(key, work, before, cancel.signal) });
    return { template: this.get(key).template, ...(arrival ? { upload: arrival.upload } : {}) };
  }

  /**
   * Ends a build and lets go of all that only it made; answers when nothing of it is left. What was in service before
   * stays, lines that another build wants, too, go on. Not being built is success.
   */
  async cancel(key: Key): Promise<void> {
    const build = this.builds.get(nameOf(key));
    build?.cancel.abort(new Problem('conflict', 'cancelled'));
    await build?.settled;
  }

  list(): Template[] {
    return this.progress.list().map((row) => templateOf(row, this.steps(row), this.inService(row)));
  }

  /** @throws Problem `not_found`. */
  get(key: Key): { template: Template; steps: Step[] } {
    const steps = this.steps(key);
    const row = this.mustGet(key);
    return { template: templateOf(row, steps, this.inService(row)), steps };
  }

  tree(): Snapshot[] {
    return treeOf(this.snapshots.list(), this.progress.list(), (id) => this.needs.containersOn(id).length);
  }

  /** @throws Problem `not_found` for a template or a line that is not there. */
  log({ name, version, line, offset = 0n }: ParamsOf<'templates.log'>): ResultOf<'templates.log'> {
    this.mustGet({ name, version });
    if (offset < 0n) throw new Problem('invalid', `cannot read a log from ${offset}: an offset is not negative`);
    const found = this.progress.lines({ name, version }).find(({ step }) => step.line === line);
    if (!found)
      throw new Problem(
        'not_found',
        `cannot read the log of line ${line} of ${name}:${version}: no instruction begins there`,
      );
    const ended = found.step.state !== 'running' && found.step.state !== 'waiting';
    return found.key === undefined ? { text: '', next: offset, done: ended } : this.logs.read(found.key, offset, ended);
  }

  /** @throws Problem `not_found`, or `conflict` while it is built or containers stand on it. */
  async remove(key: Key): Promise<void> {
    const { snapshot } = this.mustGet(key);
    if (this.builds.has(nameOf(key))) throw new Problem('conflict', `cannot remove ${nameOf(key)}: it is being built`);
    const containers = snapshot === undefined ? [] : this.needs.containersOn(idOf(snapshot));
    if (containers.length > 0) throw stoodOn(key, containers);
    const held = this.sweep.held(key);
    this.progress.remove(key);
    await this.sweep.letGo(held);
  }

  /** What templates and containers stand on is never in it, nor what is being built. */
  async prune({
    dryRun = false,
    olderThanSeconds = 0,
  }: ParamsOf<'templates.prune'>): Promise<ResultOf<'templates.prune'>> {
    const before = new Date(Math.max(0, Date.now() + 1 - olderThanSeconds * 1_000));
    const freed = await this.sweep.prune(before, { dryRun });
    return {
      snapshots: freed.map(({ id, text, createdAt, sizeBytes, flatBytes }) => ({
        ...{ id: idOf(id), text, createdAt },
        sizeBytes: sizeBytes + flatBytes,
      })),
      bytes: freed.reduce((sum, { sizeBytes, flatBytes }) => sum + sizeBytes + flatBytes, 0n),
    };
  }

  ready(name: string, version: string): ReadyTemplate {
    const row = this.mustGet({ name, version });
    if (row.snapshot === undefined) throw new Problem('conflict', `cannot use ${nameOf(row)}: it is ${row.state}`);
    const { ports, environment, labels } = this.snapshots.mustGet(row.snapshot).surroundings;
    return {
      name,
      version,
      snapshot: idOf(row.snapshot),
      chain: this.snapshots.chain(row.snapshot),
      ports,
      environment,
      labels,
    };
  }

  /** Of a snapshot that some container stands on. */
  healthcheckOf(snapshot: string): Healthcheck | undefined {
    return this.snapshots.get(numberOf(snapshot))?.surroundings.healthcheck;
  }

  sizeOf(snapshot: string): bigint {
    return this.snapshots.line(numberOf(snapshot)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n);
  }

  carriedBy(snapshot: string): Snapshotted {
    const { surroundings } = this.snapshots.get(numberOf(snapshot)) ?? {};
    return { chain: [...this.snapshots.chain(numberOf(snapshot))], surroundings: { ...surroundings } };
  }

  adopt({ chain, surroundings }: Snapshotted): string {
    return idOf(this.snapshots.adopt(chain, { ...bareSurroundings, ...surroundings }));
  }

  chainOf(snapshot: string): Chain {
    const chain = this.snapshots.chain(numberOf(snapshot));
    if (chain.length === 0) throw new Problem('not_found', `cannot find the snapshot ${shown(snapshot)}`);
    return chain;
  }

  /** From the cache as far as it reaches, in one commit; then line by line. */
  private async run(
    key: Key,
    lines: readonly PlannedLine[],
    context: Context | undefined,
    cancelled: AbortSignal,
  ): Promise<void> {
    const began = performance.now();
    const cached = this.fromCache(key, lines);
    let above = cached.at(-1);
    let at = lines[Math.max(0, cached.length - 1)]?.line;
    try {
      for (const line of lines.slice(cached.length)) {
        const lineBegan = performance.now();
        at = line.line;
        if (line.work.kind !== 'note') this.progress.running(key, line.line, line.key);
        above = await this.builder.make(line, above, context, cancelled);
        this.progress.done(key, line.line, above, since(lineBegan));
      }
      if (!above) throw new Error('a Confile without lines was planned');
      await this.builder.mustHoldNoSecret(above, cancelled);
      cancelled.throwIfAborted();
      this.progress.ready(key, above, since(began));
    } catch (error) {
      throw new FailedLine(at, since(began), error);
    }
  }

  private fromCache(key: Key, lines: readonly PlannedLine[]): readonly SnapshotRow[] {
    const found: SnapshotRow[] = [];
    for (const { work, key: lineKey } of lines) {
      const row = work.kind === 'stand' ? work.snapshot : this.snapshots.byKey(lineKey);
      if (!row) break;
      found.push(row);
    }
    const steps = found.map((row, index) => {
      const { line = 0, work } = lines[index] ?? {};
      // A line that stands on a template counts with all that lies below.
      const counted = work?.kind === 'stand' ? this.snapshots.line(row.id) : [row];
      return {
        line,
        key: row.key,
        snapshot: row.id,
        sizeBytes: counted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n),
      };
    });
    this.progress.cached(key, steps);
    return found;
  }

  /** Never rejects: how a build ended is its template's state. */
  private async settle(key: Key, work: () => Promise<void>, before: Held, cancelled: AbortSignal): Promise<void> {
    try {
      const made = await work().then(
        () => nothingHeld,
        (error: unknown) => (cancelled.aborted ? this.cancelled(key, error) : this.failed(key, error)),
      );
      this.builds.delete(nameOf(key));
      await this.sweep.letGo(together(before, made));
    } catch (error) {
      this.builds.delete(nameOf(key));
      this.needs.tell(`cannot put on record how ${nameOf(key)} ended`, error);
    }
  }

  private cancelled(key: Key, error: unknown): Held {
    const made = this.sweep.held(key);
    this.progress.cancelled(key, error instanceof FailedLine ? error.milliseconds : 0);
    return made;
  }

  private failed(key: Key, error: unknown): Held {
    const { line, milliseconds, cause } = error instanceof FailedLine ? error : new FailedLine(undefined, 0, error);
    const problem = asProblem(cause);
    if (problem.code === 'internal' && !this.closing.signal.aborted)
      this.needs.tell(`cannot build ${nameOf(key)}`, cause);
    const place = problem instanceof ConfileFault ? problem.problems[0]?.line : line;
    this.progress.failed(key, place, this.closing.signal.aborted ? 'interrupted' : problem.message, milliseconds);
    return nothingHeld;
  }

  private inService({ snapshot }: TemplateRow): InService {
    return snapshot === undefined ? [] : this.snapshots.line(snapshot);
  }

  private steps(key: Key): Step[] {
    return this.progress.lines(key).map(({ step }) => step);
  }

  private mustGet(key: Key): TemplateRow {
    const row = this.progress.get(key);
    if (!row) throw new Problem('not_found', `cannot find the template ${shown(nameOf(key))}`);
    return row;
  }
}

const mostNamed = 5;

function stoodOn(key: Key, containers: readonly string[]): Problem {
  const [named, more] = [containers.slice(0, mostNamed).join(', '), containers.length - mostNamed];
  const stand =
    containers.length === 1
      ? `the container ${named} stands`
      : `the containers ${named}${more > 0 ? ` and ${more} more` : ''} stand`;
  const cure = `destroy ${containers.length === 1 ? 'it' : 'them'} first, in the trash as well`;
  return new Problem('conflict', `cannot remove ${nameOf(key)}: ${stand} on it; ${cure}`);
}

/** A build under way; `settled` never rejects, and nothing is left to do then. */
type Build = Readonly<{ cancel: AbortController; settled: Promise<void> }>;

const nothingHeld: Held = { snapshots: [], logs: [] };

function together(a: Held, b: Held): Held {
  return { snapshots: [...a.snapshots, ...b.snapshots], logs: [...a.logs, ...b.logs] };
}

/** Which line a build failed at, after how long, and why. */
class FailedLine extends Error {
  constructor(
    readonly line: number | undefined,
    readonly milliseconds: number,
    cause: unknown,
  ) {
    super('a line failed', { cause });
  }
}

function since(began: number): number {
  return Math.round(performance.now() - began);
}
