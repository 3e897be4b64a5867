import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import type { Step, Template } from '@berth/con-protocol';
import { extract, pack, type Header } from 'tar-stream';
import { openDatabase } from '../src/database.js';
import type { Layers } from '../src/host/layers.js';
import type { LineSpec } from '../src/host/runtime.js';
import { Templates, type TemplatesNeeds } from '../src/templates/templates.js';

export const GiB = 1024n ** 3n;

/** Just enough of a host to see what the templates room asks of it. A RUN does what `commands` says for its text. */
export class SmallHost {
  readonly bases: string[] = [];
  readonly lines: LineSpec[] = [];
  readonly onDisk = new Map<number, 'open' | 'sealed'>();
  readonly chains = new Map<number, readonly number[]>();
  /** How many layers each call laid down as one. */
  readonly flattened: number[] = [];
  readonly copied: { header: Header; content: string }[] = [];
  readonly commands = new Map<string, (spec: LineSpec) => Promise<number>>();
  secrets = '';
  freeBytes = 100n * GiB;

  readonly layers = {
    base: async (layer: number, suite: string) => {
      this.bases.push(suite);
      this.onDisk.set(layer, 'sealed');
      return { bytes: 1000n };
    },
    open: async (layer: number, chain: readonly number[]) => {
      this.onDisk.set(layer, 'open');
      this.chains.set(layer, chain);
      return `/roots/${layer}`;
    },
    seal: async (layer: number) => {
      this.onDisk.set(layer, 'sealed');
      return { bytes: 10n };
    },
    flatten: async (layer: number, chain: readonly number[]) => {
      this.onDisk.set(layer, 'sealed');
      this.flattened.push(chain.length);
      return { bytes: 2000n };
    },
    removeLayer: async (layer: number) => void this.onDisk.delete(layer),
    layers: async () => [...this.onDisk.keys()],
    space: async () => ({ bytes: 200n * GiB, freeBytes: this.freeBytes }),
  } as unknown as Layers;

  readonly runtime = {
    clearLines: async () => undefined,
    line: async (spec: LineSpec) => {
      this.lines.push(spec);
      if (spec.input) await this.unpack(spec.input, spec.argv);
      const text = spec.argv.at(-1) ?? '';
      if (text.includes('ssh_host')) spec.log(Buffer.from(this.secrets));
      return (await this.commands.get(text)?.(spec)) ?? 0;
    },
  };

  ran(text: string): number {
    return this.lines.filter(({ argv }) => argv.at(-1) === text).length;
  }

  /** As the script does where nothing is there yet: one file goes beside, all else below the root. */
  private async unpack(input: NodeJS.ReadableStream, argv: readonly string[]): Promise<void> {
    const [path = '', name = ''] = argv.slice(-2);
    const above = name === '' ? '' : posix.dirname(path).slice(1);
    for await (const entry of (input as Readable).pipe(extract())) {
      const pieces: Buffer[] = [];
      for await (const piece of entry) pieces.push(piece as Buffer);
      this.copied.push({
        header: { ...entry.header, name: posix.join(above, entry.header.name) },
        content: Buffer.concat(pieces).toString('utf8'),
      });
    }
  }
}

/** A templates room on a small host, in a directory of its own. */
export class Yard {
  readonly home = mkdtempSync(join(tmpdir(), 'con-templates-'));
  readonly host = new SmallHost();
  readonly containers = new Map<string, number>();
  readonly told: string[] = [];
  /** Where the last build takes its context. */
  take: ((body: Readable) => Promise<void>) | undefined;
  templates = this.open();

  open(more: Partial<TemplatesNeeds> = {}): Templates {
    return new Templates({
      database: openDatabase(join(this.home, 'con.sqlite')),
      layers: this.host.layers,
      runtime: this.host.runtime,
      home: this.home,
      receive: (_, taker) => {
        this.take = taker;
        return '/stream/once';
      },
      containersOn: (snapshot) =>
        Array.from({ length: this.containers.get(snapshot) ?? 0 }, (_, index) => `shop-${index + 1}`),
      tell: (message) => this.told.push(message),
      ...more,
    });
  }

  async reopen(more: Partial<TemplatesNeeds>): Promise<void> {
    await this.templates.close();
    this.templates = this.open(more);
  }

  async close(): Promise<void> {
    await this.templates.close();
    rmSync(this.home, { recursive: true });
  }

  async built(name: string, patienceMs = 4_000): Promise<{ template: Template; steps: Step[] }> {
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline;) {
      const found = this.templates.get({ name, version: '1' });
      if (found.template.state !== 'building') return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`${name} is still being built`);
  }

  /** Builds and waits; the files are sent as the context, and what is wrong with them shows in the template. */
  async build(
    name: string,
    lines: readonly string[],
    files?: Readable,
  ): Promise<{ template: Template; steps: Step[] }> {
    const confile = ['FROM debian:bookworm', ...lines].join('\n');
    this.templates.build({ name, version: '1', confile, ...(files ? { contextBytes: 10_000n } : {}) });
    if (files && this.take) await Promise.allSettled([this.take(files)]);
    return this.built(name);
  }
}

export type File = Partial<Header> & { name: string; content?: string };

export function tar(...files: File[]): Readable {
  const archive = pack();
  for (const { content = '', ...header } of files) {
    if (header.type && header.type !== 'file') archive.entry(header);
    else archive.entry(header, content);
  }
  archive.finalize();
  return Readable.from(archive);
}
