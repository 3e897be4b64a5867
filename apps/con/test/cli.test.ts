import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Container, ConHandlers, ParamsOf, Step, Template } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { extract } from 'tar-stream';
import { commands } from '../src/cli/program.js';
import type { ExecSession } from '../src/host/runtime.js';
import { openDoors, token, type Doors } from './doors.js';
import { type as typed, type Around } from './words.js';

const at = '2026-01-01T00:00:00Z';

const container = (id: string, name: string, more: Partial<Container> = {}): Container => ({
  id,
  name,
  owner: 'operator',
  template: { name: 'web', version: '1' },
  state: 'stopped',
  since: at,
  createdAt: at,
  address: '10.77.0.2',
  forwards: [],
  url: 'http://host:20000/',
  limits: { memoryBytes: 512n * 1024n * 1024n, cpuMillis: 1_000, pids: 512 },
  tariffTag: '',
  boot: 0,
  ...more,
});

const template = (state: Template['state'], more: Partial<Template> = {}): Template => ({
  name: 'web',
  version: '1',
  state,
  createdAt: at,
  lines: 2,
  sizeBytes: 2_048n,
  milliseconds: 30,
  labels: {},
  ports: [80],
  ...more,
});

describe('con on the command line', () => {
  let doors: Doors;
  let containers: Container[];
  let ordered: ParamsOf<'containers.create'> | undefined;
  let built: ParamsOf<'templates.build'> | undefined;
  let files: Record<string, string>;
  let asked: () => void;
  let told: string[];
  let answers: { template: Template; steps: Step[] }[];

  const change = (id: string, more: Partial<Container>): { container: Container } => {
    const found = containers.findIndex((one) => one.id === id);
    containers[found] = { ...containers[found]!, ...more };
    return { container: containers[found] };
  };

  /** Behaves as con does: a state in transit first, the settled one when asked again. */
  const handlers: Partial<ConHandlers> = {
    'containers.list': async () => ({
      observedAt: at,
      version: '1',
      containers,
      usage: [{ id: 'c1', cpuNanos: 2n ** 50n, memoryBytes: 3n * 1024n ** 3n, bytesIn: 0n, bytesOut: 0n }],
    }),
    'containers.create': async (params) => {
      ordered = params;
      containers.push(container(params.id, params.name, { state: 'creating' }));
      return { container: containers[containers.length - 1]! };
    },
    'containers.start': async ({ id }) => change(id, { state: 'starting' }),
    'containers.stop': async ({ id }) => change(id, { state: 'stopping' }),
    'containers.trash': async ({ id }) => change(id, { state: 'trashed' }),
    'containers.forward': async ({ id, hostPort = 20_000, port, protocol = 'tcp', ...more }) => {
      const forwards = [{ protocol, hostPort, port, ...more }];
      return { ...change(id, { forwards }), hostPort };
    },
    'containers.unforward': async ({ id }) => change(id, { forwards: [] }),
    'containers.get': async ({ id }) => {
      const { state, name } = containers.find((one) => one.id === id)!;
      const next = {
        starting: name === 'broken' ? 'failed' : 'running',
        stopping: 'stopped',
        creating: 'stopped',
      } as const;
      return change(id, {
        state: next[state as keyof typeof next] ?? state,
        ...(name === 'broken' ? { reason: 'its init ended' } : {}),
      });
    },
    'templates.build': async (params) => {
      built = params;
      if (params.contextBytes === undefined) return { template: template('building') };
      const upload = doors.tickets.receive(params.contextBytes, async (body) => {
        const archive = body.pipe(extract());
        for await (const entry of archive)
          files[entry.header.name] = entry.header.linkname ?? String(await buffer(entry));
      });
      return { template: template('building'), upload };
    },
    'templates.get': async () => {
      asked();
      return answers.length > 1 ? answers.shift()! : answers[0]!;
    },
    'templates.prune': async ({ dryRun = false, olderThanSeconds = 0 }) => {
      told.push(`prune ${dryRun} ${olderThanSeconds}`);
      return { snapshots: [{ id: 's1', text: 'RUN a', createdAt: at, sizeBytes: 2_048n }], bytes: 2_048n };
    },
    'templates.cancel': async ({ name, version }) => {
      told.push(`${name}:${version}`);
      return {};
    },
    'templates.log': async ({ line, offset }) =>
      offset === 4n ? { text: `end of ${line}\n`, next: 10n, done: true } : { text: 'begin\n', next: 4n, done: false },
    'templates.remove': async ({ name }) => {
      if (name === 'used') throw new Problem('conflict', 'cannot remove used:1: a container uses it');
      return {};
    },
    'usage.read': async () => ({ instance: 'i', samples: [], next: 2n ** 40n, completeUntil: at, observedAt: at }),
  };

  beforeAll(async () => {
    doors = await openDoors(handlers);
  });
  afterAll(() => doors.close());
  beforeEach(() => {
    containers = [
      container('c1', 'shop', { state: 'running' }),
      container('c2', 'blog'),
      container('c3', 'twin'),
      container('c4', 'twin', { state: 'trashed' }),
    ];
    [ordered, built, files] = [undefined, undefined, {}];
    answers = [];
    [asked, told] = [() => undefined, []];
  });

  const type = (line: string, more: Partial<Around> = {}) =>
    typed(line.split(' '), { socketPath: doors.socketPath, ...more });

  it('lists containers as a table, and as JSON with whole numbers as text', async () => {
    const { code, out } = await type('list');
    expect(code).toBe(0);
    expect(out.split('\n')[1]).toBe('shop  running  web:1     3.0 GiB  operator  c1  http://host:20000/');
    const {
      containers: [first],
      usage,
    } = JSON.parse((await type('containers list --json')).out);
    expect([first.limits.memoryBytes, usage[0].cpuNanos]).toEqual(['536870912', '1125899906842624']);
  });

  it('creates with limits, makes an id, and waits until it is there', async () => {
    expect(await type('create new web:1 --memory 1GiB --cpu 1.5 --owner ann')).toEqual({
      code: 0,
      out: 'new is stopped\n',
      err: '',
    });
    expect(ordered).toMatchObject({
      name: 'new',
      owner: 'ann',
      template: { name: 'web', version: '1' },
      limits: { memoryBytes: 2n ** 30n, cpuMillis: 1_500, pids: 512 },
    });
    expect(ordered?.id).toMatch(/^c[0-9a-f]{16}$/);
  });

  it('starts by name or id and waits until it runs, unless told not to', async () => {
    expect(await type('start blog')).toMatchObject({ code: 0, out: 'blog is running at http://host:20000/\n' });
    expect(await type('containers stop c2')).toMatchObject({ code: 0, out: 'blog is stopped\n' });
    expect(await type('start blog --no-wait')).toMatchObject({ code: 0, out: 'blog is starting\n' });
    expect(await type('remove shop')).toMatchObject({ code: 0, out: 'shop is trashed\n' });
  });

  it('says why a container did not get where it should', async () => {
    containers.push(container('c9', 'broken'));
    expect(await type('start broken')).toEqual({
      code: 1,
      out: '',
      err: 'cannot say that broken is running: it is failed: its init ended\n',
    });
  });

  it('does not guess which of two is meant', async () => {
    const { code, err } = await type('start twin');
    expect([code, err]).toEqual([
      1,
      'cannot tell which "twin" is meant: say one of the ids c3 (stopped), c4 (trashed)\n',
    ]);
    expect(await type('start nobody')).toMatchObject({ code: 1, err: expect.stringContaining('con list shows them') });
  });

  it('hands on the exit code, the output and the errors of a command, and feeds it', async () => {
    const exec = await openDoors({
      ...handlers,
      'containers.exec': async ({ argv }) => ({ stream: exec.tickets.session(() => echo(argv), { timeoutMs: 5_000 }) }),
    });
    const stdin = new PassThrough();
    stdin.end('hello');
    const typing = { socketPath: exec.socketPath, stdin };
    expect(await typed(['exec', 'shop', '--', 'sh', '-c', 'exit 42', '--json'], typing)).toEqual({
      code: 42,
      out: 'HELLO',
      err: 'sh|-c|exit 42|--json',
    });
    const byUrl = ['--url', exec.url, 'containers', 'exec', 'shop', '--', 'true'];
    expect(await typed(byUrl, { socketPath: '/nowhere', token })).toMatchObject({ code: 42 });
    await exec.close();
  });

  it('says what prune would remove, and removes it only when told to', async () => {
    expect((await type('prune --older-than 2')).out).toBe(
      '  2.0 KiB  RUN a\nwould remove 1 snapshots, 2.0 KiB; do it with --yes\n',
    );
    expect((await type('prune --yes')).out).toMatch(/removed 1 snapshots, 2.0 KiB\n$/);
    expect(told).toEqual(['prune true 172800', 'prune false 0']);
  });

  describe('build', () => {
    let directory: string;
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'con-build-'));
      mkdirSync(join(directory, '.git'));
      mkdirSync(join(directory, 'site/empty'), { recursive: true });
      writeFileSync(join(directory, '.git/config'), 'secret');
      writeFileSync(join(directory, 'Confile'), 'FROM debian:trixie\nCOPY site /var/www\n');
      writeFileSync(join(directory, 'Plain'), 'FROM debian:trixie\nRUN true\n');
      writeFileSync(join(directory, 'site/index.html'), '<h1>');
      symlinkSync('index.html', join(directory, 'site/link'));
    });
    afterAll(() => rmSync(directory, { recursive: true }));

    const step = (line: number, state: Step['state']): Step => ({
      line,
      text: `line ${line}`,
      state,
      milliseconds: 1_500,
      sizeBytes: 2_048n,
    });
    const ready = { template: template('ready'), steps: [step(1, 'cached'), step(2, 'done')] };

    it('gives ARGs the values it was told, and says how one is written', async () => {
      answers = [ready];
      writeFileSync(join(directory, 'Args'), 'ARG A\nFROM debian:trixie\nARG B=1\n');
      expect(await type(`build web:1 ${directory} -f ${directory}/Args --arg A=x=y --arg B=`)).toMatchObject({
        code: 0,
      });
      expect(built).toMatchObject({ args: { A: 'x=y', B: '' } });
      const misread = await type(`build web:1 ${directory} --arg A`);
      expect(misread).toMatchObject({
        code: 1,
        err: expect.stringMatching(/cannot read "A" as an ARG: write it like/),
      });
    });

    it('sends the files that COPY may want, .git excepted, and tells each line once', async () => {
      answers = [{ template: template('building'), steps: [step(1, 'cached'), step(2, 'running')] }, ready];
      const { code, out } = await type(`build web:1 ${directory}`);
      expect([code, out.split('\n')]).toEqual([
        0,
        [
          '  1  cached    1.5 s   2.0 KiB  line 1',
          '  2  done      1.5 s   2.0 KiB  line 2',
          'web:1 is ready: 30 ms, 2.0 KiB',
          '',
        ],
      ]);
      expect(Object.keys(files).sort()).toEqual(
        ['Args', 'Confile', 'Plain', 'site', 'site/empty', 'site/index.html', 'site/link'].map((one) =>
          expect.stringMatching(`^${one}/?$`),
        ),
      );
      expect(files).toMatchObject({ 'site/index.html': '<h1>', 'site/link': 'index.html' });
    });

    it('sends no files where no line copies', async () => {
      answers = [ready];
      expect(await type(`templates build web:1 ${directory} -f ${directory}/Plain`)).toMatchObject({ code: 0 });
      expect(built).toEqual({ name: 'web', version: '1', confile: 'FROM debian:trixie\nRUN true\n' });
    });

    it('is cancelled by Ctrl-C, and ends with 130', async () => {
      const interrupts = new EventEmitter();
      asked = () => interrupts.emit('SIGINT');
      answers = [{ template: template('building'), steps: [step(1, 'running')] }];
      const { code, err } = await type(`build web:1 -f ${directory}/Plain`, { interrupts });
      expect([code, told, interrupts.listenerCount('SIGINT')]).toEqual([130, ['web:1'], 0]);
      expect(err).toBe('the build of web:1 is cancelled: nothing of it is left\n');
    });

    it('prints the whole log of the line that failed, and ends with 1', async () => {
      answers = [
        {
          template: template('failed', { line: 2, reason: 'it exited 1' }),
          steps: [step(1, 'done'), step(2, 'failed')],
        },
      ];
      const { code, out, err } = await type(`build web:1 -f ${directory}/Plain`);
      expect(code).toBe(1);
      expect(out).toMatch(/ 2 {2}failed .*line 2\nbegin\nend of 2\n$/);
      expect(err).toBe('cannot build web:1: line 2: it exited 1\n');
    });

    it('says which Confile it cannot read', async () => {
      expect(await type('build web:1 /nowhere')).toMatchObject({
        code: 1,
        err: 'cannot read the Confile /nowhere/Confile; name it with -f\n',
      });
    });
  });

  it.each([
    ['', 'Usage: con'],
    ['frobnicate', "unknown command 'frobnicate'"],
    ['containers', 'Usage: con containers'],
    ['containers frobnicate', "unknown command 'frobnicate'"],
    ['create', "missing required argument 'name'"],
    ['list --all', "unknown option '--all'"],
    ['start a b', 'too many arguments'],
  ])('ends %j with 2 and says what is wrong', async (line, message) => {
    expect(await typed(line === '' ? [] : line.split(' '), { socketPath: doors.socketPath })).toMatchObject({
      code: 2,
      err: expect.stringContaining(message),
    });
  });

  it('ends with 1 where con refuses, in its words', async () => {
    expect(await type('rmtemplate used:1')).toEqual({
      code: 1,
      out: '',
      err: 'cannot remove used:1: a container uses it\n',
    });
    expect(await type('rmtemplate used')).toMatchObject({ code: 1, err: expect.stringContaining('write it like') });
  });

  it('ends with 69 and the cure where no daemon answers', async () => {
    for (const words of [['list'], ['list', '--url', 'http://127.0.0.1:1']]) {
      expect(await typed(words, { socketPath: '/nowhere/con.sock' })).toMatchObject({
        code: 69,
        err: expect.stringContaining('con daemon'),
      });
    }
  });

  it('says when the token is not accepted, and takes it from the environment or a file', async () => {
    expect(await type(`usage read --url ${doors.url}`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('does not accept this token'),
    });
    expect(await type(`usage read --after 4294967296 --url ${doors.url}`, { token })).toMatchObject({
      code: 0,
      out: expect.stringContaining('"1099511627776"'),
    });
    const file = join(mkdtempSync(join(tmpdir(), 'con-token-')), 'token');
    writeFileSync(file, `${token}\n`);
    expect(await type(`usage read --url ${doors.url} --token-file ${file}`)).toMatchObject({ code: 0 });
    for (const [words, why] of [
      ['--url not-a-url', /^cannot use the URL "not-a-url": it must look like http:/],
      [`--url ${doors.url} --token-file /nowhere/token`, /^cannot read the token from "\/nowhere\/token": ENOENT/],
    ] as const) {
      expect(await type(`usage read ${words}`)).toMatchObject({ code: 1, err: expect.stringMatching(why) });
    }
  });

  it('forwards a port, and takes it back', async () => {
    containers = [container('c1', 'shop', { state: 'running' })];
    expect(await type('forward shop 53/udp --host-port 5353 --from 192.0.2.1,2001:db8::/32')).toMatchObject({
      code: 0,
      out: 'port 5353 of the host leads to port 53/udp of shop\n',
    });
    const [forwarded] = containers[0]!.forwards;
    const sources = ['192.0.2.1', '2001:db8::/32'];
    expect(forwarded).toEqual({ protocol: 'udp', hostPort: 5353, port: 53, sources });
    expect(await type('unforward shop 5353/udp')).toMatchObject({ code: 0, out: expect.stringContaining('no more') });
    expect(containers[0]!.forwards).toEqual([]);
    expect(await type('forward shop 53/sctp')).toMatchObject({ code: 1, err: expect.stringContaining('write 53') });
  });

  it('helps at every level, and exits with 0', async () => {
    for (const { words, short } of commands) {
      for (const one of [words, short].filter((word) => word !== undefined)) {
        const { code, out } = await type(`${one} --help`);
        expect([one, code]).toEqual([one, 0]);
        expect(out).toContain(`Usage: con ${one}`);
      }
    }
    expect((await type('--help')).out).toContain('Short forms:');
  });

  it('has the short forms of the talk', () => {
    const talk =
      'build create doctor domains duplicate exec forward join leave list logs prune recover remove ' +
      'remove-snapshot restart restore-snapshot rmtemplate snapshot snapshots start stop tree ' +
      'unforward';
    expect(commands.flatMap(({ short }) => short ?? []).sort()).toEqual(talk.split(' '));
  });
});

/** A command that shouts its input, tells its words as errors, and exits with 42. */
function echo(argv: readonly string[]): ExecSession {
  const input = new PassThrough();
  const output = new PassThrough();
  const shouted = buffer(input).then((bytes) => output.end(String(bytes).toUpperCase()));
  return {
    input,
    output,
    errors: Readable.from([Buffer.from(argv.join('|'))]),
    exit: shouted.then(() => 42),
    kill: () => undefined,
  };
}
