import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mountsBelow } from '../src/host/linux/mounts.js';
import { RealCon } from './real-con.js';
import { describeReal } from './real.js';

/** What a template and its owner may leave that tells one container from another, and a first boot that makes it. */
const confile = `
COPY --chmod=0755 <<'END' /usr/local/sbin/first-boot
#!/bin/sh
mkdir -p /var/lib/berth && echo "$BERTH_SECRET" > /var/lib/berth/login && echo boot >> /srv/boots
touch /var/lib/berth/first-boot-done
END
COPY <<'END' /etc/systemd/system/first-boot.service
[Unit]
ConditionPathExists=!/var/lib/berth/first-boot-done
[Service]
Type=oneshot
PassEnvironment=BERTH_SECRET
ExecStart=/usr/local/sbin/first-boot
[Install]
WantedBy=multi-user.target
END
RUN systemctl enable first-boot`;

describeReal('snapshots and copies of real containers', () => {
  const con = new RealCon();
  beforeAll(() => con.enter(confile), 900_000);
  afterAll(() => con.leave(), 60_000);

  it('a snapshot of a running container is restored: what came later is gone, what was deleted is back', async () => {
    await con.created('shop');
    await con.started('shop');
    await con.booted('shop');
    await con.said('shop', 'echo one > /srv/data; rm /etc/issue');
    await con.kept('shop', 's1');
    expect((await con.client['containers.get']({ id: 'shop' })).container.state).toBe('running');
    await con.said('shop', 'echo two > /srv/data; echo more > /srv/more');
    await con.kept('shop', 's2');
    await expect(con.client['containers.restoreSnapshot']({ id: 'shop', snapshot: 's1' })).rejects.toThrow(
      'cannot restore a snapshot of shop: it is running',
    );
    await con.stopped('shop');
    for (const [snapshot, held] of [
      ['s1', 'one\n'],
      ['s2', 'two\nmore\n'],
    ] as const) {
      await con.client['containers.restoreSnapshot']({ id: 'shop', snapshot });
      await con.is('shop', 'stopped');
      await con.started('shop');
      const { output } = await con.said('shop', 'cat /srv/data /srv/more 2>/dev/null; test ! -e /etc/issue');
      expect(output).toBe(held);
      await con.stopped('shop');
    }
  }, 120_000);

  it('a duplicate of a running container has its data, and a machine, a name, an address and secrets of its own', async () => {
    await con.started('shop');
    await con.booted('shop');
    const keys =
      'mkdir -p /etc/ssh && echo old > /etc/ssh/ssh_host_rsa_key && echo old > /etc/ssh/ssh_host_rsa_key.pub' +
      " && printf '#!/bin/sh\\necho new > /etc/ssh/ssh_host_rsa_key\\n' > /usr/bin/ssh-keygen && chmod 755 /usr/bin/ssh-keygen";
    await con.said('shop', `${keys}; echo shop > /etc/hostname; ln -s /etc/shadow /srv/link`);
    await con.client['containers.duplicate']({ id: 'copy', from: 'shop', name: 'copy' });
    const copy = await con.is('copy', 'stopped');
    const { container: shop } = await con.client['containers.get']({ id: 'shop' });
    expect([shop.state, copy.owner, copy.template]).toEqual(['running', 'ann', shop.template]);
    expect(copy.address).not.toBe(shop.address);
    await con.started('copy');
    await con.booted('copy');
    const facts =
      'cat /etc/machine-id /var/lib/berth/login; uname -n; cat /etc/ssh/ssh_host_*; readlink /srv/link; cat /srv/data';
    const [one, other] = await Promise.all(['shop', 'copy'].map((id) => con.said(id, facts)));
    const [machine, secret, ...rest] = other!.output.split('\n');
    expect(one!.output.split('\n').slice(2)).toEqual(['shop', 'old', 'old', '/etc/shadow', 'two', '']);
    expect(rest).toEqual(['copy', 'new', '/etc/shadow', 'two', '']);
    expect([machine, secret]).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}$/),
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
    expect(one!.output).not.toContain(machine);
    expect(one!.output).not.toContain(secret);
    expect((await con.said('copy', 'cat /srv/boots')).output).toBe('boot\nboot\n'); // the first boot of each
  }, 120_000);

  it('a container writes what its disk holds and no more, is told how much, and may be given more', async () => {
    const MiB = 1024n * 1024n;
    const limits = { memoryBytes: 512n * MiB, cpuMillis: 1_000, pids: 512 };
    const template = { name: 'plain', version: '1' };
    const order = { id: 'full', name: 'full', owner: 'ann', template, limits: { ...limits, diskBytes: 128n * MiB } };
    await con.client['containers.create'](order);
    expect((await con.is('full', 'stopped')).limits.diskBytes).toBe(128n * MiB);
    await con.started('full');
    const fill = 'dd if=/dev/zero of=/srv/fill bs=1M count=200 2>&1 | tail -3; sync; stat -c %s /srv/fill';
    const size = async (): Promise<number> => Number((await con.said('full', fill)).output.trim().split('\n').at(-1));
    expect(await size()).toBeLessThan(Number(128n * MiB));
    const { disk } = await con.client['containers.get']({ id: 'full' });
    expect(disk!.ownBytes).toBeGreaterThan(100n * MiB);
    expect(disk!.withTemplateBytes - disk!.ownBytes).toBeGreaterThan(50n * MiB);
    await con.stopped('full');
    await con.client['containers.limit']({ id: 'full', limits: { ...limits, diskBytes: 256n * MiB } });
    await con.started('full');
    expect(await size()).toBe(Number(200n * MiB));
    await expect(
      con.client['containers.limit']({ id: 'full', limits: { ...limits, diskBytes: 64n * MiB } }),
    ).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/cannot lower the disk so far: .* \d+ MiB are the least/),
    });
    await con.client['containers.limit']({ id: 'full', limits }); // who knows nothing of the disk leaves it as it is
    expect((await con.client['containers.get']({ id: 'full' })).container.limits.diskBytes).toBe(256n * MiB);
    await con.client['containers.trash']({ id: 'full' });
    await con.is('full', 'trashed');
    await con.client['containers.destroy']({ id: 'full' });
    await con.until(async () =>
      (await con.client['containers.list']({})).containers?.every(({ id }) => id !== 'full') ? true : undefined,
    );
  }, 120_000);

  it('a duplicate of a snapshot holds what was kept, and the copy goes its own way', async () => {
    await con.client['containers.duplicate']({ id: 'older', from: 'shop', name: 'older', snapshot: 's1' });
    await con.is('older', 'stopped');
    await con.started('older');
    expect((await con.said('older', 'cat /srv/data; echo own > /srv/data')).output).toBe('one\n');
    expect((await con.said('shop', 'cat /srv/data')).output).toBe('two\n');
  }, 120_000);

  it('links that root inside left in place of what is made anew lead nowhere but inside', async () => {
    const before = readdirSync('/etc').sort();
    await con.said(
      'shop',
      'rm -rf /etc/ssh /var/lib/dbus; ln -s /../../../../../../../etc /etc/ssh; ln -sfn / /var/lib/dbus',
    );
    await con.client['containers.duplicate']({ id: 'sly', from: 'shop', name: 'sly' });
    await con.is('sly', 'stopped');
    expect(readdirSync('/etc').sort()).toEqual(before);
    expect(mountsBelow(`${con.options.runDirectory}/roots`)).toHaveLength(3); // those that run
  }, 120_000);

  it('the journal of a container is read where it is off, and where nothing more can be started in it', async () => {
    const says = async (id: string, text: string) => {
      for (let after: string | undefined; ;) {
        const answer = await con.client['containers.logs']({
          id,
          ...(after === undefined ? { lines: 1_000 } : { after }),
        });
        if (answer.entries.some((entry) => entry.text === text)) return answer.next!;
        after = answer.next;
      }
    };
    await con.booted('older');
    await con.said('older', 'echo first word | systemd-cat --identifier=teller');
    const next = await says('older', 'first word');
    await con.client['containers.limit']({
      id: 'older',
      limits: { memoryBytes: 512n << 20n, cpuMillis: 1_000, pids: 32 },
    });
    const greedy =
      'while (1) { $p = fork; sleep 1000 if defined $p && !$p; select undef, undef, undef, 0.01 unless defined $p }';
    void con.said('older', `logger -t teller second word; exec perl -e '${greedy}'`);
    await con.until(async () => ((await con.said('older', 'true')).code === 0 ? undefined : true)); // nobody gets in
    await says('older', 'second word');
    expect(
      (await con.client['containers.logs']({ id: 'older', after: next })).entries.map(({ text }) => text),
    ).not.toContain('first word');
    await con.client['containers.freeze']({ id: 'older' });
    await says('older', 'second word');
    await con.client['containers.thaw']({ id: 'older' });
    const mounts = mountsBelow(`${con.options.runDirectory}/roots`).length;
    await con.stopped('older');
    await says('older', 'second word');
    expect(mountsBelow(`${con.options.runDirectory}/roots`)).toHaveLength(mounts - 1);
  }, 120_000);

  it('con killed while it duplicates leaves a container that says so, cannot be started, and is destroyed whole', async () => {
    await con.said('shop', 'head -c 100000000 /dev/urandom > /srv/big');
    await con.client['containers.duplicate']({ id: 'cut', from: 'shop', name: 'cut' });
    await con.kill();
    await con.begin();
    const cut = await con.is('cut', 'failed');
    expect(cut.reason).toBe('interrupted: con ended while it was created');
    await expect(con.client['containers.start']({ id: 'cut' })).rejects.toThrow('it never became a whole copy');
    expect((await con.said('shop', 'echo runs on')).output).toBe('runs on\n');
    await con.client['containers.destroy']({ id: 'cut' });
    await con.until(
      async () => (await con.client['containers.list']({})).containers?.every(({ id }) => id !== 'cut') || undefined,
    );
    expect(readdirSync(`${con.options.home}/removed`)).toEqual([]);
    expect(readdirSync(`${con.options.home}/volumes`)).toHaveLength(4);
  }, 120_000);
});
