import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Step, Template } from '@berth/con-protocol';
import { extract, pack, type Header } from 'tar-stream';
import { openDatabase } from '../src/database.js';
import type { Layers } from '../src/host/layers.js';
import type { LineSpec } from '../src/host/runtime.js';
import { Templates, type TemplatesNeeds } from '../src/templates/templates.js';

const GiB = 1024n ** 3n;

/** Just enough of a host to see what the templates room asks of it. A RUN does what `commands` says for its text. */
class SmallHost {
  readonly bases: string[] = [];
  readonly lines: LineSpec[] = [];
  readonly onDisk = new Map<number, 'open' | 'sealed'>();
  readonly chains = new Map<number, readonly number[]>();
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
    removeLayer: async (layer: number) => void this.onDisk.delete(layer),
    layers: async () => [...this.onDisk.keys()],
    space: async () => ({ bytes: 200n * GiB, freeBytes: this.freeBytes }),
  } as unknown as Layers;

  readonly runtime = {
    clearLines: async () => undefined,
    line: async (spec: LineSpec) => {
      this.lines.push(spec);
      if (spec.input) await this.unpack(spec.input);
      const text = spec.argv.at(-1) ?? '';
      if (text.includes('ssh_host')) spec.log(Buffer.from(this.secrets));
      return (await this.commands.get(text)?.(spec)) ?? 0;
    },
  };

  ran(text: string): number {
    return this.lines.filter(({ argv }) => argv.at(-1) === text).length;
  }

  private async unpack(input: NodeJS.ReadableStream): Promise<void> {
    for await (const entry of (input as Readable).pipe(extract())) {
      const pieces: Buffer[] = [];
      for await (const piece of entry) pieces.push(piece as Buffer);
      this.copied.push({ header: entry.header, content: Buffer.concat(pieces).toString('utf8') });
    }
  }
}

let home: string;
let host: SmallHost;
let templates: Templates;
let containers: Map<string, number>;
let told: string[];
let take: ((body: Readable) => Promise<void>) | undefined;

function open(more: Partial<TemplatesNeeds> = {}): Templates {
  return new Templates({
    database: openDatabase(join(home, 'con.sqlite')),
    layers: host.layers,
    runtime: host.runtime,
    home,
    receive: (_, taker) => {
      take = taker;
      return '/stream/once';
    },
    containersOn: (snapshot) => containers.get(snapshot) ?? 0,
    tell: (message) => told.push(message),
    ...more,
  });
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'con-templates-'));
  host = new SmallHost();
  containers = new Map();
  told = [];
  take = undefined;
  templates = open();
});

afterEach(async () => {
  await templates.close();
  rmSync(home, { recursive: true });
});

async function built(name: string): Promise<{ template: Template; steps: Step[] }> {
  for (;;) {
    const found = templates.get({ name, version: '1' });
    if (found.template.state !== 'building') return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Builds and waits; the files are sent as the context. */
async function build(
  name: string,
  lines: readonly string[],
  files?: Readable,
  version = '1',
): Promise<{ template: Template; steps: Step[] }> {
  templates.build({
    name,
    version,
    confile: ['FROM debian:bookworm', ...lines].join('\n'),
    ...(files ? { contextBytes: 10_000n } : {}),
  });
  if (files) await take?.(files).catch(() => undefined);
  return built(name);
}

type File = Partial<Header> & { name: string; content?: string };

function tar(...files: File[]): Readable {
  const archive = pack();
  for (const { content = '', ...header } of files) {
    if (header.type && header.type !== 'file') archive.entry(header);
    else archive.entry(header, content);
  }
  archive.finalize();
  return Readable.from(archive);
}

const logOf = (name: string, line: number): string => templates.log({ name, version: '1', line }).text;

describe('A build', () => {
  it('makes a snapshot of each line, and layers only of those that change files', async () => {
    const { template, steps } = await build('web', [
      'ENV A=1',
      'RUN one',
      'EXPOSE 80',
      'LABEL berth.title="Web"',
      'RUN two',
    ]);
    expect(template).toMatchObject({
      state: 'ready',
      lines: 6,
      sizeBytes: 1020n,
      ports: [80],
      labels: { 'berth.title': 'Web' },
    });
    expect(steps.map(({ state, sizeBytes }) => [state, sizeBytes])).toEqual([
      ['done', 1000n],
      ['done', 0n],
      ['done', 10n],
      ['done', 0n],
      ['done', 0n],
      ['done', 10n],
    ]);
    expect(templates.tree()).toHaveLength(6);
    expect(templates.tree().at(-1)).toMatchObject({
      text: 'RUN two',
      parent: 's5',
      templates: ['web:1'],
      containers: 0,
    });
    expect(templates.ready('web', '1')).toMatchObject({
      snapshot: 's6',
      chain: [3, 2, 1],
      ports: [80],
      environment: { A: '1' },
    });
    expect(templates.chainOf('s3')).toEqual([2, 1]);
    expect(host.chains.get(3)).toEqual([2, 1]);
  });

  it('takes lines that did not change from the cache, whatever stands around them', async () => {
    await build('one', ['RUN a', 'RUN b']);
    const { steps } = await build('two', ['# another comment', 'run   a', 'RUN c']);
    expect(steps.map(({ state }) => state)).toEqual(['cached', 'cached', 'done']);
    expect([host.ran('a'), host.ran('b'), host.ran('c')]).toEqual([1, 1, 1]);
  });

  it('runs a line anew where the environment or the directory above it is another', async () => {
    await build('one', ['ENV A=1', 'RUN a']);
    await build('two', ['ENV A=2', 'RUN a']);
    await build('three', ['WORKDIR /srv', 'RUN a']);
    expect(host.ran('a')).toBe(3);
    expect(host.lines.at(-2)).toMatchObject({
      argv: ['/bin/sh', '-c', expect.stringContaining('cd'), '/srv', '/bin/sh', '-c', 'a'],
      network: true,
    });
  });

  it('shares common lines with a build that runs at the same time, and lays a base down once', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const all = await Promise.all(names.map((name) => build(name, ['RUN same', `RUN ${name}`])));
    expect(all.map(({ template }) => template.state)).toEqual(['ready', 'ready', 'ready', 'ready']);
    expect([host.bases.length, host.ran('same')]).toEqual([1, 1]);
  });

  it('stands on another template with FROM name:version', async () => {
    await build('base', ['ENV A=1', 'RUN a']);
    templates.build({ name: 'app', version: '1', confile: 'FROM base:1\nRUN b' });
    const { template, steps } = await built('app');
    expect(template).toMatchObject({ state: 'ready', sizeBytes: 1020n });
    expect(steps[0]).toMatchObject({ state: 'cached', sizeBytes: 1010n });
    expect(host.lines.find(({ argv }) => argv.at(-1) === 'b')?.environment).toMatchObject({ A: '1' });
    expect(templates.ready('app', '1').chain).toEqual([4, 2, 1]);
  });

  it('fails at its line with the reason, keeps its log and the lines above, and goes on there when repeated', async () => {
    host.commands.set('bad', async ({ log }) => {
      log(Buffer.from('no such \x1b[31mpackage\x1b[0m'));
      return 100;
    });
    const failed = await build('web', ['RUN good', 'RUN bad', 'RUN later']);
    expect(failed.template).toMatchObject({
      state: 'failed',
      line: 3,
      reason: expect.stringMatching(/^cannot run line 3: .*exit code 100/),
    });
    expect(failed.steps.map(({ state }) => state)).toEqual(['done', 'done', 'failed', 'waiting']);
    expect(logOf('web', 3)).toBe('no such ␛[31mpackage␛[0m');
    expect([...host.onDisk.keys()]).toEqual([1, 2]);
    expect(() => templates.ready('web', '1')).toThrow(/it is failed/);
    host.commands.clear();
    const mended = await build('web', ['RUN good', 'RUN bad', 'RUN later']);
    expect(mended.steps.map(({ state }) => state)).toEqual(['cached', 'cached', 'done', 'done']);
    expect(mended.template.reason).toBeUndefined();
  });

  it('ends a line that takes too long, and leaves no layer of it', async () => {
    await templates.close();
    templates = open({ lineTimeoutMs: 20 });
    host.commands.set(
      'slow',
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(137))),
    );
    const { template } = await build('web', ['RUN slow']);
    expect(template).toMatchObject({
      state: 'failed',
      line: 2,
      reason: 'cannot run line 2: it took longer than 0.02 seconds',
    });
    expect([...host.onDisk.keys()]).toEqual([1]);
  });

  it('fails for a full disk before a line, at its end and in the middle, and leaves nothing of it', async () => {
    await build('other', []);
    host.freeBytes = GiB - 1n;
    expect((await build('web', ['RUN a'])).template.reason).toMatch(/^cannot run line 2: the disk is full/);
    expect(host.ran('a')).toBe(0);
    host.freeBytes = GiB;
    host.commands.set('full', async () => {
      throw Object.assign(new Error('write'), { code: 'ENOSPC' });
    });
    expect((await build('web', ['RUN full'])).template.reason).toMatch(/the disk is full/);
    host.commands.set('filling', ({ signal }) => {
      host.freeBytes = 0n;
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(137)));
    });
    expect((await build('web', ['RUN filling'])).template.reason).toMatch(/the disk is full/);
    expect([...host.onDisk.keys()]).toEqual([1]);
  });

  it('is refused with its place for what cannot be built, and leaves no template behind', () => {
    const confile = (text: string) => () => templates.build({ name: 'web', version: '1', confile: text });
    expect(confile('FROM debian:bookworm\nFETCH x')).toThrow(/line 2, column 1: there is no instruction "FETCH"/);
    expect(confile('FROM debian:sarge')).toThrow(/line 1, column 1: there is no debian:sarge/);
    expect(confile('FROM debian:bookworm\nENV P=x\nEXPOSE $P')).toThrow(/line 3, column 8: "x" is no port/);
    expect(confile('FROM debian:bookworm\nCOPY a /a')).toThrow(/line 2, column 1: COPY needs files/);
    expect(confile('FROM web:1')).toThrow(/stand on itself/);
    expect(confile('FROM none:1')).toThrow(/none:1, which is not there/);
    for (const name of ['../x', '', 'x'.repeat(300), 'a\nb', 'a\u202eb', 'debian']) {
      expect(() => templates.build({ name, version: '1', confile: 'FROM debian:bookworm' })).toThrow(
        /^cannot name a template/,
      );
    }
    expect(() => templates.build({ name: 'web', version: '../1', confile: 'FROM debian:bookworm' })).toThrow(
      /cannot use the version/,
    );
    expect(templates.list()).toEqual([]);
  });

  it('is refused while the same template is being built', async () => {
    templates.build({ name: 'web', version: '1', confile: 'FROM debian:bookworm' });
    expect(() => templates.build({ name: 'web', version: '1', confile: 'FROM debian:bookworm' })).toThrow(
      /being built already/,
    );
    await expect(templates.remove({ name: 'web', version: '1' })).rejects.toThrow(/being built/);
    await built('web');
  });

  it('fails when it holds a secret that every container would share, also when all of it comes from the cache', async () => {
    host.secrets = '/etc/ssh/ssh_host_rsa_key\n';
    const reason = /^cannot finish: \/etc\/ssh\/ssh_host_rsa_key would be the same secret/;
    expect((await build('web', ['RUN keygen'])).template.reason).toMatch(reason);
    expect((await build('web', ['RUN keygen'])).template.reason).toMatch(reason);
    host.secrets = '';
    expect((await build('web', ['RUN keygen', 'RUN rm'])).template.state).toBe('ready');
    const before = host.lines.length;
    await build('web', ['RUN keygen', 'RUN rm']);
    expect(host.lines).toHaveLength(before);
  });

  it('keeps 4 MiB of what a line prints, and says that it cut the rest', async () => {
    host.commands.set('chatty', async ({ log }) => {
      for (let count = 0; count < 5 * 16; count += 1) log(Buffer.from('é'.repeat(32_768)));
      return 0;
    });
    await build('web', ['RUN chatty']);
    let [text, next, done] = ['', 0n, false];
    while (!done) {
      const piece = templates.log({ name: 'web', version: '1', line: 2, offset: next });
      text += piece.text;
      ({ next, done } = piece);
    }
    expect(text).toMatch(/^é+\n\[cut here: the log of a line holds 4 MiB\]\n$/);
    expect(text.length).toBeLessThan(2.2 * 1024 * 1024);
  });

  it('is `failed: interrupted` after the daemon died, and what its line left is removed', async () => {
    let running: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (running = resolve));
    host.commands.set('long', ({ signal }) => {
      running();
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(137)));
    });
    templates.build({ name: 'web', version: '1', confile: 'FROM debian:bookworm\nRUN long' });
    await begun;
    host.onDisk.set(99, 'sealed');
    const next = open();
    await next.recover();
    expect(next.get({ name: 'web', version: '1' })).toMatchObject({
      template: { state: 'failed', reason: 'interrupted', line: 2 },
      steps: [{ state: 'done' }, { state: 'failed' }],
    });
    expect([...host.onDisk.keys()]).toEqual([1, 99]);
    expect(told).toEqual([expect.stringMatching(/layer 99 on disk is in no record/)]);
  });
});

describe('COPY', () => {
  const files = (): Readable =>
    tar(
      { name: './', type: 'directory' },
      { name: './a.txt', content: 'A', mode: 0o640, uid: 1000 },
      { name: './site/', type: 'directory', mode: 0o755 },
      { name: './site/index.html', content: '<p>', mode: 0o644 },
      { name: './site/deep/x', content: 'x' },
      { name: './link', type: 'symlink', linkname: 'site/index.html' },
      { name: './hard', type: 'link', linkname: './a.txt' },
    );

  const paths = (): string[] =>
    host.copied.filter(({ header }) => header.type !== 'directory').map(({ header }) => header.name);

  it.each<[string, string[]]>([
    ['COPY a.txt /etc/b', ['etc/b']],
    ['COPY a.txt /etc/', ['etc/a.txt']],
    ['COPY a.txt site/index.html /srv/', ['srv/a.txt', 'srv/index.html']],
    ['COPY site /srv', ['srv/index.html', 'srv/deep/x']],
    ['COPY site/ /', ['index.html', 'deep/x']],
    ['COPY *.txt /srv/', ['srv/a.txt']],
    ['COPY link /srv/page', ['srv/page']],
    ['COPY hard /srv/', ['srv/hard']],
    ['COPY . /all', ['all/a.txt', 'all/hard', 'all/site/index.html', 'all/site/deep/x', 'all/link']],
  ])('does what Dockerfiles do: %s', async (line, wanted) => {
    expect((await build('web', [line], files())).template).toMatchObject({ state: 'ready' });
    expect(paths().toSorted()).toEqual(wanted.toSorted());
    expect(host.copied.every(({ header }) => header.uid === 0 && header.gid === 0)).toBe(true);
    expect(readdirSync(join(home, 'contexts'))).toEqual([]);
  });

  it('keeps content, modes, symlinks and hard links', async () => {
    await build('web', ['COPY . /'], files());
    const of = (name: string) => host.copied.find(({ header }) => header.name === name);
    expect(of('a.txt')).toMatchObject({ content: 'A', header: { mode: 0o640 } });
    expect(of('hard')).toMatchObject({ header: { type: 'link', linkname: 'a.txt' } });
    expect(of('link')).toMatchObject({ header: { type: 'symlink', linkname: 'site/index.html' } });
  });

  it('is taken from the cache for the same files with other times, and done anew for other content or another mode', async () => {
    const state = async (file: File): Promise<string | undefined> =>
      (await build('web', ['COPY a /a'], tar(file))).steps[1]?.state;
    expect(await state({ name: 'a', content: 'A', mode: 0o644, mtime: new Date(1_000) })).toBe('done');
    expect(await state({ name: './a', content: 'A', mode: 0o644, mtime: new Date(9_000) })).toBe('cached');
    expect(await state({ name: 'a', content: 'B', mode: 0o644 })).toBe('done');
    expect(await state({ name: 'a', content: 'B', mode: 0o755 })).toBe('done');
  });

  it('fails at its place for a missing source, before any line runs', async () => {
    const { template } = await build('web', ['RUN a', 'COPY none /a'], files());
    expect(template).toMatchObject({
      state: 'failed',
      line: 3,
      reason: 'cannot build this Confile: line 3, column 1: "none" is not among the files of the context',
    });
    expect(host.ran('a')).toBe(0);
  });

  it.each<[string, File[], RegExp]>([
    ['..', [{ name: '../x', content: 'x' }], /"..\/x" leads out of it/],
    ['an absolute name', [{ name: '/etc/passwd', content: 'x' }], /leads out of it/],
    ['a symlink out', [{ name: 'a', type: 'symlink', linkname: '../../etc/shadow' }], /"a" leads out of it/],
    ['an absolute symlink', [{ name: 'a', type: 'symlink', linkname: '/etc/shadow' }], /"a" leads out of it/],
    [
      'a file below a symlink',
      [
        { name: 'd', type: 'symlink', linkname: 'e' },
        { name: 'd/x', content: 'x' },
      ],
      /"d\/x" lies below what is no directory/,
    ],
    ['a hard link out', [{ name: 'a', type: 'link', linkname: '../etc/shadow' }], /"a" leads out of it/],
    ['a hard link to nothing', [{ name: 'a', type: 'link', linkname: 'b' }], /hard link to what is not in it/],
    ['a device', [{ name: 'a', type: 'block-device' }], /is a block-device/],
    ['a FIFO', [{ name: 'a', type: 'fifo' }], /is a fifo/],
    [
      'a name twice',
      [
        { name: 'a', content: '1' },
        { name: './a', content: '2' },
      ],
      /"a" is in it twice/,
    ],
  ])('refuses a context with %s', async (_, entries, reason) => {
    const { template } = await build('web', ['COPY . /'], tar(...entries));
    expect(template).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason) });
    expect(host.copied).toEqual([]);
  });

  it('refuses a context that is no tar, is too large, or does not come', async () => {
    expect((await build('web', ['COPY . /'], Readable.from([Buffer.alloc(2_000, 7)]))).template.reason).toMatch(
      /not a whole tar archive/,
    );
    expect(() =>
      templates.build({ name: 'web', version: '1', confile: 'FROM debian:bookworm', contextBytes: 2n ** 40n }),
    ).toThrow(/at most 268435456 are allowed/);
    await templates.close();
    templates = open({ uploadTimeoutMs: 10 });
    templates.build({ name: 'late', version: '1', confile: 'FROM debian:bookworm', contextBytes: 10n });
    expect((await built('late')).template).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/did not arrive within 0.01 seconds/),
    });
    await expect(take?.(files())).rejects.toThrow(/no longer/);
  });
});

describe('Removing a template', () => {
  it('removes only what no other template stands on, layers and logs too', async () => {
    await build('one', ['RUN a', 'RUN b']);
    await build('two', ['RUN a', 'RUN c']);
    await templates.remove({ name: 'one', version: '1' });
    expect(templates.tree().map(({ text }) => text)).toEqual(['FROM debian:bookworm', 'RUN a', 'RUN c']);
    expect(readdirSync(join(home, 'logs'))).toHaveLength(3);
    await templates.remove({ name: 'two', version: '1' });
    expect([templates.tree(), [...host.onDisk], readdirSync(join(home, 'logs'))]).toEqual([[], [], []]);
  });

  it('is refused while containers stand on it, and says how many', async () => {
    const { template } = await build('web', ['RUN a']);
    containers.set(template.snapshot ?? '', 2);
    await expect(templates.remove({ name: 'web', version: '1' })).rejects.toThrow(
      'cannot remove web:1: 2 containers stand on it; destroy them first',
    );
    expect(templates.tree().at(-1)).toMatchObject({ containers: 2 });
  });

  it('of a name that is not there is `not_found`', async () => {
    await expect(templates.remove({ name: 'x', version: '1' })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('A template built anew', () => {
  it('points to its new snapshot, and the old one stays as long as containers stand on it', async () => {
    const old = (await build('web', ['RUN a'])).template.snapshot ?? '';
    containers.set(old, 1);
    const fresh = (await build('web', ['RUN b'])).template.snapshot;
    expect(fresh).not.toBe(old);
    expect(templates.chainOf(old)).toEqual([2, 1]);
    containers.clear();
    await templates.recover();
    expect(() => templates.chainOf(old)).toThrow(/cannot find the snapshot/);
    expect([...host.onDisk.keys()].toSorted()).not.toContain(2);
  });
});
