import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readConfig } from '../src/config.js';
import { bare, Rooms } from './rooms.js';

describe('names that lead to containers', () => {
  let rooms: Rooms;
  beforeEach(async () => {
    rooms = new Rooms({ appsDomain: 'apps.example.org', closedDomains: 'example.net', restSeconds: '50' });
    await rooms.created('a');
    await rooms.created('b', { owner: 'bob' });
  });
  afterEach(() => rooms.leave());

  const faces = (): Rooms['containers']['wiring']['faces'] => rooms.containers.wiring.faces;
  const shown = (): unknown => rooms.host.front!.shown;

  it('are one below the domain of the apps and domains of the owner’s, and the link is the name', async () => {
    expect(rooms.containers.get('a').url).toBe('http://apps.test:20000');
    await faces().domains({ id: 'a', name: 'shop', domains: ['Shop.Example.COM', 'shop.example.com', 'example.com'] });
    expect(rooms.containers.get('a')).toMatchObject({
      url: 'https://shop.apps.example.org',
      hostName: 'shop.apps.example.org',
      domains: ['shop.example.com', 'example.com'],
    });
    expect(shown()).toEqual([
      { host: 'shop.apps.example.org', address: '10.77.0.10', port: 80 },
      { host: 'shop.example.com', address: '10.77.0.10', port: 80 },
      { host: 'example.com', address: '10.77.0.10', port: 80 },
    ]);
    const start = jest.spyOn(rooms.host.runtime, 'start');
    await rooms.started('a');
    expect(start.mock.calls[0]![1].environment['BERTH_URL']).toBe('https://shop.apps.example.org');
    await faces().domains({ id: 'a', domains: [] });
    expect(rooms.containers.get('a')).not.toHaveProperty('domains');
    await faces().domains({ id: 'a', name: '' });
    expect(rooms.containers.get('a').url).toBe('http://apps.test:20000');
    expect(shown()).toEqual([]);
  });

  it('are one container’s at a time, and rest before another has them', async () => {
    await faces().domains({ id: 'a', name: 'shop', domains: ['example.com'] });
    await expect(faces().domains({ id: 'b', name: 'shop' })).rejects.toMatchObject({
      code: 'conflict',
      message: 'cannot use shop.apps.example.org: another container has that name',
    });
    await expect(faces().domains({ id: 'b', name: 'free', domains: ['example.com'] })).rejects.toThrow(
      'another container',
    );
    expect(rooms.containers.get('b')).not.toHaveProperty('hostName'); // all of it or nothing
    await faces().domains({ id: 'a', name: 'other' });
    await expect(faces().domains({ id: 'b', name: 'shop' })).rejects.toThrow('it rests until 2030-05-01T10:00:50.000Z');
    rooms.clock.pass(50_000);
    await faces().domains({ id: 'b', name: 'shop' });
    rooms.containers.trash('a');
    rooms.containers.destroy('a');
    await rooms.containers.idle();
    expect(shown()).toEqual([{ host: 'shop.apps.example.org', address: '10.77.0.11', port: 80 }]);
    await expect(faces().domains({ id: 'b', domains: ['example.com'] })).rejects.toThrow('it rests until');
  });

  it.each([['www'], ['admin'], ['autodiscover'], ['xn--e1awd7f'], ['a.b'], ['-a'], ['UP'], ['a\u202eb']])(
    'are refused where they are reserved or none: %j',
    async (name) => {
      await expect(faces().domains({ id: 'a', name })).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringMatching(/^cannot use the name /),
      });
    },
  );

  it.each([
    ['localhost'],
    ['10.0.0.1'],
    ['printer.local'],
    ['x.apps.example.org'],
    ['apps.example.org'],
    ['panel.example.net'],
    ['*.example.com'],
    ['example.com/x'],
    ['{http.request.host}.example.com'],
    ['a..example.com'],
  ])('of the owner’s are refused where they are none or not theirs: %j', async (domain) => {
    await expect(faces().domains({ id: 'a', domains: [domain] })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/^cannot use the domain /),
    });
    expect(shown()).toEqual([]);
  });

  it('outlive a kill and are shown by the next daemon', async () => {
    await faces().domains({ id: 'a', name: 'shop' });
    await rooms.restart();
    expect(shown()).toEqual([{ host: 'shop.apps.example.org', address: '10.77.0.10', port: 80 }]);
  });

  it('lead nowhere where a template exposes nothing, or the host has no domain for them', async () => {
    await rooms.created('c', { template: bare });
    await expect(faces().domains({ id: 'c', name: 'shop' })).rejects.toThrow('its template exposes no port');
    const plain = new Rooms();
    await plain.created('a');
    await expect(plain.containers.wiring.faces.domains({ id: 'a', name: 'shop' })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'cannot serve names: this host has no appsDomain; see docs/network.md',
    });
    plain.leave();
  });

  it('need both files where certificates come from files', () => {
    expect(() => readConfig({ appsDomain: 'apps.example.org', appsTls: 'files' }, {})).toThrow(
      'appsTls: files needs appsCertificate and appsCertificateKey',
    );
  });
});
