import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Ground } from './ground.js';
import { describeReal } from './real.js';

describeReal('layers on a real host', () => {
  const ground = new Ground();
  beforeAll(() => ground.base(1), 20 * 60_000);
  afterAll(() => ground.leave(), 60_000);

  it('a base is a Debian without the name, the resolver or the ids of its host', async () => {
    const said = await ground.built(
      2,
      [1],
      'grep -c bookworm /etc/apt/sources.list; cat /etc/machine-id; ls /etc/hostname /etc/ssh/ssh_host_* 2>&1; id -u',
    );
    process.stderr.write(JSON.stringify(said));
    expect(said.code).toBe(0);
  });
});
