import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { bare, Rooms, small } from './rooms.js';

describe('ports of the host that lead to a container', () => {
  let rooms: Rooms;
  beforeEach(async () => {
    rooms = new Rooms({ firstPort: '20000', lastPort: '20003', restSeconds: '50', reservedPorts: '20001,443' });
    await rooms.created('a', { template: small });
    await rooms.created('b', { template: bare });
  });
  afterEach(() => rooms.leave());

  const forwards = (id: string): readonly unknown[] => rooms.containers.get(id).forwards;

  it('come from the pool or are chosen, by tcp and by udp, and the same again is the same', async () => {
    expect(await rooms.containers.wiring.forwards.forward({ id: 'b', port: 22 })).toMatchObject({ hostPort: 20_002 });
    expect(await rooms.containers.wiring.forwards.forward({ id: 'b', port: 22 })).toMatchObject({ hostPort: 20_002 });
    await rooms.containers.wiring.forwards.forward({ id: 'b', protocol: 'udp', port: 53, hostPort: 5_353 });
    await rooms.containers.wiring.forwards.forward({ id: 'b', protocol: 'tcp', port: 53, hostPort: 5_353 });
    expect(forwards('b')).toEqual([
      { protocol: 'tcp', hostPort: 20_002, port: 22, added: true },
      { protocol: 'udp', hostPort: 5_353, port: 53, added: true },
      { protocol: 'tcp', hostPort: 5_353, port: 53, added: true },
    ]);
    expect(rooms.containers.get('b').url).toBeUndefined();
  });

  it.each([
    [22, 'cannot forward port 22 of the host: the host itself serves it; choose another'],
    [443, 'cannot forward port 443 of the host: it is reserved; choose another'],
    [20_000, 'cannot forward port 20000 of the host: another container has it'],
  ])('are refused in words where %i was chosen', async (hostPort, message) => {
    await expect(rooms.containers.wiring.forwards.forward({ id: 'b', port: 80, hostPort })).rejects.toMatchObject({
      message,
    });
    expect(forwards('b')).toEqual([]);
  });

  it('are for those sources alone that were told last, also where the template exposes the port', async () => {
    const sources = ['198.51.100.7/24', '2001:DB8::/32'];
    await rooms.containers.wiring.forwards.forward({ id: 'a', port: 80, sources });
    expect(forwards('a')).toEqual([
      { protocol: 'tcp', hostPort: 20_000, port: 80, sources: ['198.51.100.0/24', '2001:db8::/32'] },
    ]);
    await rooms.containers.wiring.forwards.forward({ id: 'a', port: 80 });
    expect(forwards('a')).toEqual([{ protocol: 'tcp', hostPort: 20_000, port: 80 }]);
    await expect(rooms.containers.wiring.forwards.forward({ id: 'a', port: 80, sources: ['all'] })).rejects.toThrow(
      'cannot admit "all": it must be a network',
    );
  });

  it('go at once, rest before another may have them, and stay where the template exposes them', async () => {
    const chosen = { id: 'b', port: 80, hostPort: 8_080 };
    await rooms.containers.wiring.forwards.forward(chosen);
    await rooms.containers.wiring.forwards.unforward(chosen);
    await rooms.containers.wiring.forwards.unforward(chosen);
    expect(forwards('b')).toEqual([]);
    await expect(rooms.containers.wiring.forwards.forward({ ...chosen, id: 'a' })).rejects.toMatchObject({
      code: 'conflict',
      message: 'cannot forward port 8080 of the host: it rests until 2030-05-01T10:00:50.000Z; choose another',
    });
    await rooms.containers.wiring.forwards.forward(chosen); // who had it may have it back
    await rooms.containers.wiring.forwards.unforward(chosen);
    rooms.clock.pass(50_000);
    await rooms.containers.wiring.forwards.forward({ ...chosen, id: 'a' });
    await expect(rooms.containers.wiring.forwards.unforward({ id: 'a', hostPort: 20_000 })).rejects.toThrow(
      'cannot unforward 20000: its template exposes that port; narrow it by its sources instead',
    );
  });

  it('are on record before the host is asked, and outlive a kill', async () => {
    await rooms.started('b');
    jest.spyOn(rooms.host.net, 'change').mockRejectedValueOnce(new Error('killed here'));
    await expect(rooms.containers.wiring.forwards.forward({ id: 'b', port: 80, hostPort: 8_080 })).rejects.toThrow();
    await rooms.restart();
    expect(forwards('b')).toEqual([{ protocol: 'tcp', hostPort: 8_080, port: 80, added: true }]);
    const change = jest.spyOn(rooms.host.net, 'change');
    await rooms.containers.wiring.forwards.forward({ id: 'b', port: 80, hostPort: 8_080 });
    expect(change.mock.calls[0]![2]).toEqual([expect.objectContaining({ hostPort: 8_080, port: 80 })]);
  });

  it('are not for what lies in the trash, and never more than 64', async () => {
    for (let port = 1; port <= 64; port++) {
      await rooms.containers.wiring.forwards.forward({ id: 'b', port, hostPort: 8_000 + port });
    }
    await expect(
      rooms.containers.wiring.forwards.forward({ id: 'b', port: 65, hostPort: 8_065 }),
    ).rejects.toMatchObject({
      code: 'too_many',
    });
    rooms.containers.trash('b');
    await expect(rooms.containers.wiring.forwards.forward({ id: 'b', port: 80 })).rejects.toThrow(
      'cannot forward b: it is trashed',
    );
  });
});
