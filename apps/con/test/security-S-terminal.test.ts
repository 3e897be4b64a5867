import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ConHandlers, Container, Snapshot, Template } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { ExecSession } from '../src/host/runtime.js';
import { openDoors, type Doors } from './doors.js';
import { type } from './words.js';

/** Sets the window's title, clears it, turns the reading order, goes back over what was printed, ends the line. */
const classics = '\u009b2J\u007f\u202egnp.exe\u2066\u200f\u2028\u0085\u061c\u{e0041}';
const evil = `a\r\nb${classics}`;
const at = '2026-01-01T00:00:00Z';

const container: Container = {
  id: evil,
  name: evil,
  owner: evil,
  template: { name: evil, version: evil },
  state: 'failed',
  since: at,
  reason: evil,
  createdAt: at,
  address: evil,
  forwards: [],
  url: evil,
  limits: { memoryBytes: 1n, cpuMillis: 1, pids: 1 },
  tariffTag: evil,
  boot: 0,
};
const template: Template = {
  name: evil,
  version: evil,
  state: 'failed',
  createdAt: at,
  line: 1,
  lines: 1,
  reason: evil,
  sizeBytes: 1n,
  milliseconds: 1,
  labels: { [evil]: evil },
  ports: [],
};
const snapshot: Snapshot = {
  id: 'a',
  text: evil,
  createdAt: at,
  sizeBytes: 1n,
  milliseconds: 1,
  templates: [evil],
  containers: 0,
};

describe('security S: what is printed on an operator\u2019s terminal', () => {
  let doors: Doors;

  beforeAll(async () => {
    const handlers: Partial<ConHandlers> = {
      'host.info': async () => ({
        protocol: 1,
        version: evil,
        instance: evil,
        driver: 'fake',
        now: at,
        kernel: evil,
        architecture: evil,
        cpus: 1,
        memoryBytes: 1n,
        memoryFreeBytes: 1n,
        diskBytes: 1n,
        diskFreeBytes: 1n,
        containers: 1,
        running: 1,
        appsHost: evil,
        warnings: [{ what: evil, cure: evil }],
      }),
      'containers.list': async () => ({
        observedAt: at,
        version: evil,
        containers: [container, { ...container, id: 'c1', name: 'web' }],
        usage: [],
      }),
      'containers.get': async () => ({ container }),
      'containers.start': async () => ({ container }),
      'containers.exec': async () => ({ stream: doors.tickets.session(shout, { timeoutMs: 5_000 }) }),
      'templates.list': async () => ({ templates: [template] }),
      'templates.get': async () => ({ template, steps: [{ line: 1, text: evil, state: 'failed' }] }),
      'templates.build': async () => ({ template }),
      'templates.tree': async () => ({ snapshots: [snapshot] }),
      'templates.log': async () => ({ text: `\u001b]0;owned\u0007${evil}`, next: 1n, done: true }),
      'templates.remove': () => Promise.reject(new Problem('conflict', `cannot remove ${evil}`)),
    };
    doors = await openDoors(handlers);
  });
  afterAll(() => doors.close());

  const acting = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

  it.each([
    'host info',
    'list',
    'containers get web',
    'start web',
    'start nobody\u001b[2J',
    'templates list',
    'templates get a:1',
    'tree',
    'templates log a:1 1',
    'rmtemplate a:1',
    'build a:1 -f /dev/null',
    'build a:1 -f /\u001b[2J\u202e',
    'exec web -- x',
    'frob\u001b[2J\u202e',
    'list --\u001b[2J',
    'create a \u001b:\u202e --memory \u001b',
  ])('%j prints nothing that acts on a terminal', async (line) => {
    for (const more of line.startsWith('exec') ? [[]] : [[], ['--json']]) {
      const { out, err } = await type([...more, ...line.split(' ')], { socketPath: doors.socketPath, isTTY: true });
      expect((out + err).match(acting)).toBeNull();
      expect(out + err).not.toBe('');
    }
  });

  it('shows what was hidden instead of dropping it; what XML cannot carry is replaced on the way', async () => {
    const { out } = await type(['templates', 'log', 'a:1', '1'], { socketPath: doors.socketPath });
    expect(out).toContain('\ufffd]0;owned\ufffda\\u000d\nb\\u009b2J\\u007f\\u202egnp.exe');
  });

  it('keeps JSON valid and true', async () => {
    const { out } = await type(['list', '--json'], { socketPath: doors.socketPath });
    expect(JSON.parse(out).containers[0].name).toBe(evil);
  });

  it('lets bytes through a pipe as they are', async () => {
    const { out } = await type(['exec', 'web', '--', 'x'], { socketPath: doors.socketPath });
    expect(out).toBe('\u001b[31mred');
  });

  it('colours templates only where colours are wanted', async () => {
    const tree = (color: boolean) => type(['tree'], { socketPath: doors.socketPath, color });
    expect((await tree(true)).out).toContain('\u001b[1;32m');
    expect((await tree(false)).out).not.toContain('\u001b');
  });
});

function shout(): ExecSession {
  const output = Readable.from([Buffer.from('\u001b[31mred')]);
  return {
    input: new PassThrough(),
    output,
    errors: Readable.from([]),
    exit: Promise.resolve(0),
    kill: () => undefined,
  };
}
