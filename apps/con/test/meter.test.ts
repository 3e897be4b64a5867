import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Reading } from '../src/host/meter.js';
import type { Running } from '../src/host/runtime.js';
import { eventually, House } from './house.js';
import { describeReal } from './real.js';

const MiB = 1024n * 1024n;

describeReal('the meter on a real host', () => {
  const house = new House();
  const { meter, runtime } = house.host;
  const read = (): Reading | undefined => meter.read([1]).get(1);

  beforeAll(() => house.enter(), 20 * 60_000);
  afterEach(() => runtime.stop(1, { timeoutMs: 0 }));
  afterAll(() => house.leave(), 60_000);

  it('CPU time is what was used inside', async () => {
    await house.start(1);
    await house.booted(1);
    const before = read()!.cpuNanos;
    const burnt = await house.said(1, 'perl', '-e', 'while ((times)[0] < 0.3) {} print((times)[0])');
    const used = read()!.cpuNanos - before;
    expect(used).toBeGreaterThan(BigInt(Math.round(Number(burnt.output) * 0.95e9)));
    expect(used).toBeLessThan(3_000_000_000n);
  }, 120_000);

  it('memory is what programs hold and what lies in files in memory; what was only read is beside it', async () => {
    await house.start(1);
    await house.booted(1);
    const idle = read()!;
    const holder = runtime.exec(1, ['perl', '-e', '$x = "x" x (64 << 20); $| = 1; print "held"; sleep 1000']);
    await new Promise((resolve) => holder.output.once('data', resolve));
    expect(read()!.memoryBytes - idle.memoryBytes).toBeGreaterThan(60n * MiB);
    holder.kill();
    await holder.exit;
    await eventually(() => (read()!.memoryBytes - idle.memoryBytes < 30n * MiB ? true : undefined));
    await house.said(1, 'dd', 'if=/dev/zero', 'of=/dev/shm/file', 'bs=1M', 'count=40');
    expect(read()!.memoryBytes - idle.memoryBytes).toBeGreaterThan(38n * MiB);
    const before = read()!;
    await house.said(1, 'dd', 'if=/dev/zero', 'of=/root/file', 'bs=1M', 'count=40');
    expect(read()!.pageCacheBytes - before.pageCacheBytes).toBeGreaterThan(38n * MiB);
    expect(read()!.memoryBytes - before.memoryBytes).toBeLessThan(20n * MiB);
  }, 120_000);

  it('CPU time goes on counting across a reboot inside, and is still told when the container has ended', async () => {
    await house.start(1);
    await house.booted(1);
    const burn = 'while ((times)[0] < 0.5) {}';
    await house.said(1, 'perl', '-e', burn);
    const before = read()!.cpuNanos;
    const [{ startedAt }] = (await runtime.running()) as [Running];
    await house.said(1, 'perl', '-e', `${burn} exec "reboot", "-f"`).catch(() => undefined); // it takes its caller along
    await eventually(async () => {
      const [again] = await runtime.running();
      return again && again.startedAt > startedAt ? true : undefined;
    });
    const rebooted = read()!.cpuNanos;
    expect(rebooted - before).toBeGreaterThan(450_000_000n);
    let last: Reading | undefined;
    await runtime.stop(1, { timeoutMs: 0, leaving: () => Promise.resolve(void (last = read())) });
    expect(last).toMatchObject({ isAlive: false, memoryBytes: 0n });
    expect(last!.cpuNanos).toBeGreaterThanOrEqual(rebooted);
    expect(read()).toBeUndefined();
  }, 120_000);

  it('a container that does not run is left out, and one that runs again is read anew', async () => {
    await house.start(1);
    await house.booted(1);
    const first = read()!.cpuNanos;
    await runtime.stop(1, { timeoutMs: 0 });
    expect(meter.read([1, 2]).size).toBe(0);
    await house.start(1);
    expect(read()!.cpuNanos).toBeLessThan(first);
    expect([...meter.read([1, 2]).keys()]).toEqual([1]);
  }, 120_000);
});
