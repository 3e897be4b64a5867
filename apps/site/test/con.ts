import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { can, type Action, type State } from '@berth/container';
import {
  methods,
  type ConHandlers,
  type Container,
  type ContainerSnapshot,
  type MethodName,
  type Snapshot,
  type Template,
} from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { pino } from 'pino';
import type { ExecSession } from '../../con/src/host/runtime.js';
import { startServers } from '../../con/src/rpc/servers.js';
import { Tickets } from '../../con/src/streams/tickets.js';

const token = 'a-token-of-some-length-for-the-tests-of-site';

export type TestCon = Readonly<{
  /** As site's configuration names a host, and the variable its token is in. */
  setting: Readonly<Record<string, string>>;
  environment: Readonly<Record<string, string>>;
  port: number;
  calls: MethodName[];
  containers: Map<string, Container>;
  templates: Template[];
  /** What stands in `/var/lib/berth/login` of every container. */
  login: { text: string | undefined };
  /** What a method answers instead of the usual; `undefined` again afterwards. */
  instead: Partial<ConHandlers>;
  /** After `containers` was changed by hand. */
  changed(): void;
  close(): Promise<void>;
}>;

/** con's real doors with containers behind them that are only records: quick, and free to misbehave. */
export async function testCon(
  name: string,
  options: { appsHost?: string; appsDomain?: string; containers?: number } = {},
): Promise<TestCon> {
  const home = mkdtempSync(join(tmpdir(), 'site-con-'));
  const containers = new Map<string, Container>();
  const templates = [template('nginx', '1'), template('django', '3.2', { 'berth.login': '1' })];
  const login: TestCon['login'] = { text: 'user=admin\npassword=s3cret\n' };
  const instead: Partial<ConHandlers> = {};
  const calls: MethodName[] = [];
  const tickets = new Tickets();
  const counter = { version: 1 };
  const usual = handlersOf({
    counter,
    containers,
    templates,
    login,
    tickets,
    appsHost: options.appsHost ?? '198.51.100.7',
    appsDomain: options.appsDomain,
  });
  const handlers = Object.fromEntries(
    (Object.keys(methods) as MethodName[]).map((method) => [
      method,
      (params: never) => {
        calls.push(method);
        const handler = instead[method] ?? usual[method];
        if (!handler) throw new Problem('unavailable', `cannot ${method} in this test`);
        return handler(params);
      },
    ]),
  ) as unknown as ConHandlers;
  const servers = await startServers({
    handlers,
    tickets,
    socketPath: join(home, 'con.sock'),
    host: '127.0.0.1',
    port: 0,
    token,
    log: pino({ level: 'silent' }),
  });
  const variable = `TOKEN_${name.toUpperCase()}`;
  return {
    setting: { name, url: `http://127.0.0.1:${servers.port}`, tokenVariable: variable },
    environment: { [variable]: token },
    port: servers.port,
    calls,
    containers,
    templates,
    login,
    instead,
    changed: () => void (counter.version += 1),
    close: async () => {
      await servers.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The variables that make a site use these. */
export function withCons(...cons: readonly TestCon[]): Record<string, string> {
  const environments = cons.map(({ environment }) => environment);
  return Object.assign({ SITE_HOSTS: JSON.stringify(cons.map(({ setting }) => setting)) }, ...environments);
}

function template(name: string, version: string, labels: Record<string, string> = {}): Template {
  return {
    name,
    version,
    state: 'ready',
    createdAt: '2026-01-01T00:00:00.000Z',
    lines: 1,
    sizeBytes: 1n,
    milliseconds: 1,
    labels: {
      'berth.title': `${name} ${version}`,
      'berth.sentence.en': `A sentence about ${name}.`,
      'berth.sentence.de': `Ein Satz über ${name}.`,
      'berth.memory': '300MiB',
      ...labels,
    },
    ports: [80],
    snapshot: 's1',
  };
}

const snapshots: Snapshot[] = [
  {
    id: 's1',
    text: 'FROM debian:bookworm',
    createdAt: '2026-01-01T00:00:00.000Z',
    sizeBytes: 1n,
    milliseconds: 1,
    templates: ['nginx:1', 'django:3.2'],
    containers: 0,
  },
];

type World = Pick<TestCon, 'containers' | 'templates' | 'login'> & {
  tickets: Tickets;
  appsHost: string;
  appsDomain: string | undefined;
  counter: { version: number };
};

function handlersOf({
  containers,
  templates,
  login,
  tickets,
  appsHost,
  appsDomain,
  counter,
}: World): Partial<ConHandlers> {
  const kept = new Map<string, ContainerSnapshot[]>();
  const mustGet = (id: string): Container => {
    const found = containers.get(id);
    if (!found) throw new Problem('not_found', `cannot find container ${id}`);
    return found;
  };
  const change = (id: string, part: Partial<Container>): Container => {
    const changed = { ...mustGet(id), since: new Date().toISOString(), ...part };
    containers.set(id, changed);
    counter.version += 1;
    return changed;
  };
  const act =
    (action: Action, state: State, part: Partial<Container> = {}) =>
    async ({ id }: { id: string }) => {
      const verdict = can(action, mustGet(id).state);
      if (!verdict.allowed) throw new Problem('conflict', `cannot ${action} ${id}: it is ${verdict.because}`);
      return { container: change(id, { state, ...part }) };
    };
  return {
    'host.info': async () => ({ ...hostInfo(appsHost, containers.size), ...(appsDomain ? { appsDomain } : {}) }),
    'templates.list': async () => ({ templates }),
    'templates.tree': async () => ({ snapshots }),
    'templates.get': async ({ name, version }) => {
      const template = templates.find((one) => one.name === name && one.version === version);
      if (!template) throw new Problem('not_found', `cannot find the template ${name}:${version}`);
      return { template, steps: [{ line: 1, text: 'FROM debian:bookworm', state: 'done', snapshot: 's1' }] };
    },
    'templates.log': async ({ offset = 0n }) => ({ text: 'I: Retrieving', next: offset + 13n, done: true }),
    'containers.list': async ({ known }) => ({
      observedAt: new Date().toISOString(),
      version: String(counter.version),
      ...(known === String(counter.version) ? {} : { containers: [...containers.values()] }),
      usage: [...containers.values()]
        .filter(({ state }) => state === 'running')
        .map(({ id }) => ({
          id,
          cpuNanos: BigInt(Date.now()) * 500_000n,
          memoryBytes: 1n << 40n,
          bytesIn: 1n,
          bytesOut: 2n,
        })),
    }),
    'containers.get': async ({ id }) => ({ container: mustGet(id) }),
    'containers.create': async ({ id, name, owner, template, limits, tariffTag }) => {
      const known = containers.get(id);
      if (known) return { container: known };
      const now = new Date().toISOString();
      containers.set(id, {
        id,
        name,
        owner,
        template,
        state: 'stopped',
        since: now,
        createdAt: now,
        address: '10.77.0.9',
        forwards: [{ protocol: 'tcp', hostPort: 20_001, port: 80 }],
        url: `http://${appsHost}:20001/`,
        limits: limits ?? { memoryBytes: 1n, cpuMillis: 50, pids: 32 },
        tariffTag: tariffTag ?? '',
        boot: 0,
      });
      counter.version += 1;
      return { container: mustGet(id) };
    },
    'containers.start': act('start', 'running'),
    'containers.stop': act('stop', 'stopped'),
    'containers.restart': act('restart', 'running'),
    'containers.kill': act('stop', 'stopped'),
    'containers.freeze': act('freeze', 'frozen'),
    'containers.thaw': act('thaw', 'running'),
    'containers.rename': async ({ id, name }) => ({ container: change(id, { name }) }),
    'containers.snapshot': async ({ id, snapshot, name }) => {
      mustGet(id);
      const all = kept.get(id) ?? [];
      const known = all.find((one) => one.id === snapshot);
      const made = { id: snapshot, state: 'kept' as const, createdAt: new Date().toISOString(), sizeBytes: 7n };
      const one = known ?? (name === undefined ? made : { ...made, name });
      if (!known) kept.set(id, [...all, one]);
      return { snapshot: one };
    },
    'containers.snapshots': async ({ id }) => ({ snapshots: kept.get(id) ?? [] }),
    'containers.restoreSnapshot': async ({ id }) => {
      if (mustGet(id).state !== 'stopped') throw new Problem('conflict', `cannot restore ${id}: it is on`);
      return { container: mustGet(id) };
    },
    'containers.removeSnapshot': async ({ id, snapshot }) => {
      kept.set(
        id,
        (kept.get(id) ?? []).filter((one) => one.id !== snapshot),
      );
      return {};
    },
    'containers.trash': (params) =>
      act('trash', 'trashed', { trashedUntil: new Date(Date.now() + 86_400_000).toISOString() })(params),
    'containers.restore': async (params) => {
      const { container } = await act('restore', 'stopped')(params);
      const { trashedUntil: _, ...rest } = container;
      containers.set(rest.id, rest);
      return { container: rest };
    },
    'containers.exec': async ({ id, argv }) => {
      if (mustGet(id).state !== 'running') throw new Problem('conflict', `cannot exec in ${id}: it is not running`);
      return { stream: tickets.session(() => command(argv, login), { timeoutMs: 5_000 }) };
    },
    'usage.read': async ({ after }) => ({
      instance: 'test',
      samples: [],
      next: after ?? 0n,
      completeUntil: new Date().toISOString(),
      observedAt: new Date().toISOString(),
    }),
  };
}

/** Understands the two commands that site sends. */
function command(argv: readonly string[], login: TestCon['login']): ExecSession {
  if (argv[0] === 'rm') login.text = undefined;
  const isThere = login.text !== undefined || argv[0] === 'rm';
  return {
    input: new PassThrough(),
    output: Readable.from(argv[0] === 'head' && login.text !== undefined ? [Buffer.from(login.text)] : []),
    errors: Readable.from(isThere ? [] : [Buffer.from('No such file or directory')]),
    exit: Promise.resolve(isThere ? 0 : 1),
    kill: () => undefined,
  };
}

function hostInfo(appsHost: string, containers: number): Awaited<ReturnType<ConHandlers['host.info']>> {
  const GiB = 1n << 30n;
  return {
    protocol: 1,
    version: '0.1.0',
    instance: 'test',
    driver: 'fake',
    now: new Date().toISOString(),
    kernel: 'none',
    architecture: 'x86_64',
    cpus: 2,
    memoryBytes: 8n * GiB,
    memoryFreeBytes: 4n * GiB,
    diskBytes: 100n * GiB,
    diskFreeBytes: 50n * GiB,
    containers,
    running: 0,
    appsHost,
    warnings: [],
  };
}
