import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Yard } from './yard.js';

let yard: Yard;

beforeEach(() => {
  yard = new Yard();
});

afterEach(() => yard.close());

const runs = (word: string, many: number): string[] => Array.from({ length: many }, (_, at) => `RUN ${word} ${at}`);

const longest = (): number => Math.max(...[...yard.host.chains.values()].map(({ length }) => length));

/** Of how many layers the roots of containers are made. */
const mounted = (...names: string[]): number[] => names.map((name) => yard.templates.ready(name, '1').chain.length);

/** A room whose chains are too long at five layers: what happens at the wall is the same at any. */
const low = (): Promise<void> => yard.reopen({ mostLayers: 5 });

it('Three hundred lines are built, none of them above more layers than the kernel joins', async () => {
  const confile = ['FROM debian:bookworm', ...runs('line', 299)].join('\n');
  yard.templates.build({ name: 'long', version: '1', confile });
  const { template } = await yard.built('long', 90_000);
  expect(template).toMatchObject({ state: 'ready', lines: 300, sizeBytes: 3990n });
  expect(yard.host.flattened).toEqual([250]);
  expect(longest()).toBe(249);
  expect(mounted('long')).toEqual([51]);
  expect(yard.templates.tree()).toHaveLength(300);
}, 100_000);

describe('A chain that is too long', () => {
  it('for two builds at once is laid down as one once', async () => {
    await low();
    const common = runs('line', 4);
    await Promise.all([yard.build('one', [...common, 'RUN one']), yard.build('two', [...common, 'RUN two'])]);
    expect(yard.host.flattened).toEqual([5]);
    expect(mounted('one', 'two')).toEqual([2, 2]);
    const flats = ['one', 'two'].map((name) => yard.templates.ready(name, '1').chain.at(-1));
    expect(flats[0]).toBe(flats[1]);
  });

  it('stays as it was for a template that ends there and the containers that stand on it', async () => {
    await low();
    await yard.build('short', [...runs('line', 4), 'ENV A=1']);
    const before = yard.templates.ready('short', '1').chain;
    await yard.build('longer', [...runs('line', 4), 'ENV A=1', 'RUN more']);
    expect(yard.templates.ready('short', '1').chain).toEqual(before);
    expect(before).toHaveLength(5);
    expect(mounted('longer')).toEqual([2]);
  });

  it('is removed with what it was laid down as, and pruning tells those bytes', async () => {
    await low();
    yard.host.commands.set('bad', async () => 1);
    await yard.build('long', [...runs('line', 5), 'RUN bad']);
    expect((await yard.templates.prune({ dryRun: true })).bytes).toBe(1000n + 5n * 10n + 2000n);
    await yard.templates.remove({ name: 'long', version: '1' });
    expect([...yard.host.onDisk.keys()]).toEqual([]);
    expect(yard.templates.tree()).toEqual([]);
  });

  it('that cannot be laid down on a full disk fails the line above it, and nothing is left of that', async () => {
    await low();
    await yard.build('short', runs('line', 4));
    const onDisk = [...yard.host.onDisk.keys()];
    yard.host.layers.flatten = async (layer) => {
      yard.host.onDisk.set(layer, 'open');
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    };
    const { template } = await yard.build('longer', [...runs('line', 4), 'RUN more']);
    expect(template).toMatchObject({ state: 'failed', line: 6 });
    expect(template.reason).toMatch(/^cannot lay 5 layers down as one: .*disk/);
    expect([...yard.host.onDisk.keys()]).toEqual(onDisk);
  });
});

it('Ten templates of six lines, each FROM the last, are built and stay mountable', async () => {
  await yard.reopen({ mostLayers: 25 });
  await yard.build('t0', runs('t0', 6));
  for (let at = 1; at < 10; at += 1) {
    const confile = [`FROM t${at - 1}:1`, ...runs(`t${at}`, 6)].join('\n');
    yard.templates.build({ name: `t${at}`, version: '1', confile });
    expect((await yard.built(`t${at}`)).template.state).toBe('ready');
  }
  expect(yard.host.flattened).toEqual([25, 25]);
  expect(longest()).toBeLessThanOrEqual(25);
  expect(Math.max(...mounted(...Array.from({ length: 10 }, (_, at) => `t${at}`)))).toBeLessThanOrEqual(25);
});

it('A database made known again from what containers carry joins their layers as they were joined', async () => {
  await low();
  await yard.build('long', runs('line', 7));
  const { snapshot, chain } = yard.templates.ready('long', '1');
  const again = yard.templates.adopt(yard.templates.carriedBy(snapshot));
  expect(yard.templates.chainOf(again)).toEqual(chain);
});
