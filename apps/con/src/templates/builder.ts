import { asProblem, Problem } from '@berth/problem';
import type { Layers } from '../host/layers.js';
import type { Runtime } from '../host/runtime.js';
import type { Context } from './context.js';
import type { LineLog, Logs } from './log.js';
import { packed, unpack } from './pack.js';
import type { PlannedLine } from './plan.js';
import type { SnapshotRecords, SnapshotRow } from './records.js';
import { secretScan, secretsFound } from './secrets.js';
import { diskFull, isNoSpace, Space } from './space.js';

/** The kernel's wall is 500 layers in one overlay, the container's own among them. */
const mostLayers = 450;

/** What a line finds beside its ENV. */
const always = { HOME: '/root', LANG: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' };

export type BuilderNeeds = Readonly<{
  snapshots: SnapshotRecords;
  layers: Layers;
  runtime: Pick<Runtime, 'line'>;
  logs: Logs;
  /** Aborted when the daemon stops. */
  closing: AbortSignal;
  lineTimeoutMs: number;
  tell: (message: string, error?: unknown) => void;
}>;

/** Makes snapshots out of lines. A line that several builds want at once is run once, and all of them get how it ended. */
export class Builder {
  private readonly making = new Map<string, Promise<SnapshotRow>>();
  private readonly space: Space;

  constructor(private readonly needs: BuilderNeeds) {
    this.space = new Space(needs.layers);
  }

  /** @throws Problem that says why the line failed. */
  async make(line: PlannedLine, above: SnapshotRow | undefined, context: Context | undefined): Promise<SnapshotRow> {
    if (line.work.kind === 'stand') return line.work.snapshot;
    const ready = this.needs.snapshots.byKey(line.key);
    if (ready) return ready;
    const begun = this.making.get(line.key);
    if (begun) return begun;
    const made = this.run(line, above, context).finally(() => this.making.delete(line.key));
    this.making.set(line.key, made);
    return made;
  }

  /** @throws Problem naming the files that would be the same secret in every container. */
  async mustHoldNoSecret(snapshot: SnapshotRow): Promise<void> {
    const { snapshots, runtime } = this.needs;
    const line = snapshots.line(snapshot.id);
    if (line.find(({ layer, checked }) => checked || layer !== undefined)?.checked) return;
    const output: Buffer[] = [];
    await this.inLayer('look for secrets', snapshots.chain(snapshot.id), async (layer, root, signal) => {
      const code = await runtime.line({
        layer,
        root,
        argv: secretScan,
        workdir: '/',
        environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        network: false,
        log: (chunk) => output.push(chunk),
        signal,
      });
      if (code !== 0) throw new Problem('internal', `cannot look for secrets: the search ended with ${code}`);
    });
    const found = secretsFound(Buffer.concat(output).toString('utf8'));
    if (found.length > 0) {
      throw new Problem(
        'invalid',
        `cannot finish: ${found.slice(0, 5).join(', ')} would be the same secret in every container; remove it in the line that makes it, and make it at first boot`,
      );
    }
    snapshots.check(snapshot.id);
  }

  private async run(
    line: PlannedLine,
    above: SnapshotRow | undefined,
    context: Context | undefined,
  ): Promise<SnapshotRow> {
    const { snapshots, logs } = this.needs;
    const began = performance.now();
    const common = { key: line.key, parent: above?.id, text: line.text, surroundings: line.surroundings };
    if (line.work.kind === 'note')
      return snapshots.add({ ...common, layer: undefined, sizeBytes: 0n, milliseconds: 0, checked: false });
    const chain = above ? snapshots.chain(above.id) : [];
    if (chain.length >= mostLayers)
      throw new Problem(
        'invalid',
        `cannot run line ${line.line}: the template already has ${mostLayers} layers; join lines with &&`,
      );
    const doing = `run line ${line.line}`;
    const log = logs.open(line.key);
    try {
      if (line.work.kind === 'base') return await this.base(line, line.work.suite, log, began);
      return await this.inLayer(
        doing,
        chain,
        (layer, root, signal) => this.command({ line, layer, root, signal, log, context }),
        ({ layer, bytes }) =>
          snapshots.add({ ...common, layer, sizeBytes: bytes, milliseconds: since(began), checked: false }),
      );
    } finally {
      log.close();
    }
  }

  private async base(line: PlannedLine, suite: string, log: LineLog, began: number): Promise<SnapshotRow> {
    const { snapshots, layers } = this.needs;
    const layer = snapshots.openLayer();
    return this.guarded(`lay down debian:${suite}`, layer, async (signal) => {
      const { bytes } = await layers.base(layer, suite, { log: (chunk) => log.write(chunk), signal });
      const { key, text, surroundings } = line;
      return snapshots.add({
        key,
        parent: undefined,
        text,
        layer,
        sizeBytes: bytes,
        milliseconds: since(began),
        surroundings,
        checked: true,
      });
    });
  }

  private async command({ line, layer, root, signal, log, context }: Command): Promise<void> {
    const { work, surroundings } = line;
    const input = work.kind === 'copy' && context ? packed(context, work.picked) : undefined;
    // Where a consumer ended early, the line's own exit code and log say why; the cut pipe says nothing more.
    input?.on('error', (error) => log.write(Buffer.from(`[the files could not all be sent: ${error.message}]\n`)));
    try {
      const code = await this.needs.runtime.line({
        layer,
        root,
        ...(work.kind === 'run'
          ? { argv: inWorkdir(surroundings.workdir, work.argv), network: true }
          : { argv: unpack, network: false }),
        workdir: '/',
        environment: { ...always, ...surroundings.environment },
        ...(input ? { input } : {}),
        log: (chunk) => log.write(chunk),
        signal,
      });
      if (log.fault) throw new Error('the log could not be written', { cause: log.fault });
      if (code !== 0)
        throw new Problem('invalid', `cannot run line ${line.line}: it ended with exit code ${code}; its log says why`);
    } finally {
      input?.destroy();
    }
  }

  /** Work above a chain in a layer that is kept where `keep` is given and all went well, and that is gone otherwise. */
  private async inLayer<T>(
    doing: string,
    chain: readonly number[],
    work: (layer: number, root: string, signal: AbortSignal) => Promise<void>,
    keep?: (sealed: { layer: number; bytes: bigint }) => T,
  ): Promise<T> {
    const { snapshots, layers } = this.needs;
    const layer = snapshots.openLayer();
    return this.guarded(doing, layer, async (signal) => {
      await work(layer, await layers.open(layer, chain), signal);
      // An aborted line may look like one that ended well: what it left is not whole.
      signal.throwIfAborted();
      if (keep) return keep({ layer, bytes: (await layers.seal(layer)).bytes });
      await this.discard(layer);
      return undefined as T;
    });
  }

  /** Deadline, the end of the daemon and a short disk end the work; whatever ends it badly, the layer goes. */
  private async guarded<T>(doing: string, layer: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { closing, lineTimeoutMs } = this.needs;
    if (await this.space.isShort()) {
      this.needs.snapshots.forgetLayer(layer);
      throw diskFull(doing);
    }
    const deadline = AbortSignal.timeout(lineTimeoutMs);
    const short = new AbortController();
    const over = new AbortController();
    const watching = this.space.runsShort(AbortSignal.any([over.signal, closing])).then((isShort) => {
      if (isShort) short.abort();
    });
    try {
      return await work(AbortSignal.any([closing, deadline, short.signal]));
    } catch (error) {
      await this.discard(layer);
      if (closing.aborted) throw new Problem('unavailable', 'interrupted', { cause: error });
      if (short.signal.aborted || isNoSpace(error)) throw diskFull(doing, error);
      if (deadline.aborted)
        throw new Problem('unavailable', `cannot ${doing}: it took longer than ${spoken(lineTimeoutMs)}`, {
          cause: error,
        });
      throw error instanceof Problem ? error : this.unexpected(doing, error);
    } finally {
      over.abort();
      await watching;
    }
  }

  private unexpected(doing: string, error: unknown): Problem {
    this.needs.tell(`cannot ${doing}`, error);
    return new Problem('internal', `cannot ${doing}: ${asProblem(error).message}`, { cause: error });
  }

  /** What cannot be removed now keeps its record, and is removed at the next start. */
  async discard(layer: number): Promise<void> {
    try {
      await this.needs.layers.removeLayer(layer);
      this.needs.snapshots.forgetLayer(layer);
    } catch (error) {
      this.needs.tell(`cannot remove layer ${layer}: the next start tries again`, error);
    }
  }
}

type Command = Readonly<{
  line: PlannedLine;
  layer: number;
  root: string;
  signal: AbortSignal;
  log: LineLog;
  context: Context | undefined;
}>;

/** WORKDIR makes its directory, as in Dockerfiles; inside the container, where links lead nowhere else. */
function inWorkdir(workdir: string, argv: readonly string[]): readonly string[] {
  return workdir === '/' ? argv : ['/bin/sh', '-c', 'mkdir -p -- "$0" && cd -- "$0" && exec "$@"', workdir, ...argv];
}

function since(began: number): number {
  return Math.round(performance.now() - began);
}

function spoken(ms: number): string {
  return ms >= 60_000 ? `${Math.round(ms / 60_000)} minutes` : `${ms / 1_000} seconds`;
}
