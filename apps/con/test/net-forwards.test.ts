import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { must } from '../src/host/linux/exec.js';
import type { Forwarding } from '../src/host/net.js';
import { House } from './house.js';
import { Lan } from './lan.js';
import { describeReal } from './real.js';

const first = 41_000 + (process.pid % 500) * 20;

describeReal('forwarded ports on a real host', () => {
  const house = new House();
  const { net } = house.host;
  let lan: Lan;
  const [friend, stranger] = ['10.251.9.2', '198.51.100.130'];

  beforeAll(async () => {
    await house.enter();
    await house.start(1);
    await house.booted(1);
    await house.echo(1, 7007);
    lan = await Lan.open(house.config.name, `berth_${house.config.name}`);
  }, 20 * 60_000);
  afterAll(async () => {
    await lan?.close();
    await house.leave();
  }, 60_000);

  const forward = (hostPort: number, more: Partial<Forwarding> = {}): Forwarding => ({
    ...house.forward(1, hostPort, 7007),
    ...more,
  });
  const change = (...forwards: readonly Forwarding[]): Promise<void> => net.change(1, house.address(1), forwards);

  it('are opened and closed while the container runs, by tcp and by udp', async () => {
    await change(forward(first, { protocol: 'udp' }), forward(first + 1));
    expect(await lan.asks('udp', first, friend)).toBe('hello');
    expect(await lan.asks('udp', first + 1, friend)).toBe('closed');
    await change(forward(first + 1));
    expect(await lan.asks('udp', first, friend)).toBe('closed');
  }, 60_000);

  it('end the connections that came by them when they are taken away, and those of no other', async () => {
    await change(forward(first), forward(first + 1));
    const [gone, stays] = [lan.talk(first, friend), lan.talk(first + 1, friend)];
    expect([await gone.say('one'), await stays.say('one')]).toEqual(['one\n', 'one\n']);
    await change(forward(first + 1));
    expect([await gone.say('two'), await stays.say('two')]).toEqual(['closed\n', 'two\n']);
    await Promise.all([gone.end(), stays.end()]);
    const left = await must(['conntrack', '-L', '-p', 'tcp', '--orig-port-dst', `${first}`]);
    expect(left).not.toContain('ESTABLISHED');
  }, 60_000);

  it('admit those networks alone that they are narrowed to, and hear nobody else from then on', async () => {
    await change(forward(first));
    const [known, unknown] = [lan.talk(first, friend), lan.talk(first, stranger)];
    expect([await known.say('one'), await unknown.say('one')]).toEqual(['one\n', 'one\n']);
    await change(forward(first, { sources: ['10.251.9.0/30'] }));
    expect(await unknown.say('two')).toBe('closed\n');
    const later = lan.talk(first, friend);
    expect(await later.say('three')).toBe('three\n');
    await change(forward(first, { sources: ['198.51.100.0/24', '10.0.0.0/16'] }));
    expect(await later.say('four')).toBe('closed\n');
    const other = lan.talk(first, stranger);
    expect(await other.say('five')).toBe('five\n');
    await Promise.all([known.end(), unknown.end(), later.end(), other.end()]);
    await change(forward(first));
    const again = lan.talk(first, friend);
    expect(await again.say('six')).toBe('six\n');
    await again.end();
  }, 60_000);

  it('stand in the table as they were told, and nothing is left of them once the container is closed', async () => {
    await change(forward(first, { sources: ['10.251.9.0/30', '192.0.2.1'] }), forward(first + 1));
    await net.sync({
      addresses: [{ slot: 1, address: house.address(1) }],
      forwards: [forward(first, { sources: ['10.251.9.0/30'] })],
    });
    const table = ['nft', 'list', 'table', 'inet', `berth_${house.config.name}`];
    const text = await must(table);
    expect(text).toContain(`tcp . ${first} . 10.251.9.0/30`);
    expect(text).not.toContain('192.0.2.1');
    expect(text).not.toContain(`tcp . ${first + 1} `); // a number alone may stand in a rule, too
    await net.close(1, house.address(1), []);
    const after = await must(table);
    expect(after).not.toContain(`tcp . ${first} `);
    expect(after).not.toContain(`${house.address(1)} `);
  });
});
