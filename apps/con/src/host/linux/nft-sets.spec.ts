import { describe, expect, it } from '@jest/globals';
import { elementsOf, lineSources, ofAddress } from './attachment.js';
import { constantRules } from './nft-rules.js';
import { additions, elements as given, listed, removals, together, trafficOf, without } from './nft-sets.js';

const config = {
  name: 'con',
  addressPool: '10.77.0.0/16',
  closedRanges: ['10.0.0.0/8', '192.168.0.0/16'],
  openRanges: ['10.1.2.3'],
  connectionsPerContainer: 100,
  newConnectionsPerSecond: 10,
  queriesPerSecond: 20,
  packetsPerSecond: 1000,
  closedRanges6: ['fc00::/7'],
  appsDomain: undefined,
  appsHttpPort: 80,
  appsHttpsPort: 443,
};

/** As nftables 1.0.6 prints it. */
const printed = `table inet berth_con {
	set from {
		type ipv4_addr
		size 65536
		counter
		elements = { 10.77.0.1 counter packets 3 bytes 18446744073709551615,
			     10.77.0.2 counter packets 0 bytes 0 }
	}

	set to {
		type ipv4_addr
		size 65536
		counter
		elements = { 10.77.0.1 counter packets 3 bytes 9007199254740993 }
	}

	set sources {
		type ifname . ipv4_addr
		size 131072
		elements = { "conv1" . 10.77.0.1,
			     "conb1" . 10.77.255.1 }
	}

	map forwards {
		type inet_proto . inet_service : ipv4_addr . inet_service
		size 131072
		elements = { tcp . 20000 : 10.77.0.1 . 80,
			     udp . 20001 : 10.77.0.2 . 53 }
	}

	set narrowed {
		type inet_proto . inet_service
		size 131072
		elements = { tcp . 20000 }
	}

	set admitted {
		type inet_proto . inet_service . ipv4_addr
		flags interval
		elements = { tcp . 20000 . 198.51.100.0/24,
			     tcp . 20000 . 192.0.2.1 }
	}

	set uplinks {
		type ifname
		size 64
	}

	set services {
		type ipv4_addr . inet_proto . inet_service
		size 1024
		elements = { 10.255.255.53 . udp . 53,
			     10.255.255.53 . tcp . 53 }
	}

	chain early {
		type filter hook prerouting priority raw; policy accept;
		ip saddr @from
	}
}
`;

describe('the nftables table', () => {
  it('is read back whole, with counters beyond what a JSON number holds', () => {
    const { elements, chains, sets } = listed(printed);
    expect(elements.from).toEqual(
      new Map([
        ['10.77.0.1', '18446744073709551615'],
        ['10.77.0.2', '0'],
      ]),
    );
    expect([...elements.sources.keys()]).toEqual(['conv1 . 10.77.0.1', 'conb1 . 10.77.255.1']);
    expect(elements.forwards).toEqual(
      new Map([
        ['tcp . 20000', '10.77.0.1 . 80'],
        ['udp . 20001', '10.77.0.2 . 53'],
      ]),
    );
    expect(elements.uplinks.size).toBe(0);
    expect([...elements.admitted.keys()]).toEqual(['tcp . 20000 . 198.51.100.0/24', 'tcp . 20000 . 192.0.2.1']);
    expect([...elements.services.keys()]).toEqual(['10.255.255.53 . udp . 53', '10.255.255.53 . tcp . 53']);
    expect(chains).toEqual(['early']);
    expect(sets).toEqual(['from', 'to', 'sources', 'forwards', 'narrowed', 'admitted', 'uplinks', 'services']);
  });

  it('is read back with the bytes a second that were told, in whatever unit they are printed', () => {
    const block = (set: string, elements: string): string => `\tset ${set} {\n\t\telements = { ${elements} }\n\t}\n`;
    const text = [
      block('slowOut', '10.77.0.1 limit rate over 1000000 bytes/second burst 1000000 bytes'),
      block(
        'slowIn',
        '10.77.0.1 limit rate over 100 kbytes/second burst 128 kbytes, 10.77.0.2 limit rate over 10 mbytes/second burst 10 mbytes',
      ),
    ];
    const { slowOut, slowIn } = listed(text.join('')).elements;
    expect([...slowOut]).toEqual([['10.77.0.1', '1000000']]);
    expect([...slowIn]).toEqual([
      ['10.77.0.1', '102400'],
      ['10.77.0.2', '10485760'],
    ]);
  });

  it('tells traffic from the side of the container', () => {
    const traffic = trafficOf(listed(printed).elements);
    expect(traffic.get('10.77.0.1')).toEqual({ bytesIn: 9007199254740993n, bytesOut: 18446744073709551615n });
    expect(traffic.get('10.77.0.2')).toEqual({ bytesIn: 0n, bytesOut: 0n });
  });

  it('hands counters over when it is made anew', () => {
    expect(additions(config, given({ from: [['10.77.0.1', '5000000000']] }))).toEqual([
      'add element inet berth_con from { 10.77.0.1 counter packets 0 bytes 5000000000 }',
    ]);
  });

  it('has no rule that names a container: only elements change', () => {
    expect(constantRules(config).join('\n')).not.toMatch(/10\.77\.0\.[1-9]/);
  });

  it('closes what is in a closed range and in no open one, and nothing where none is closed', () => {
    expect(constantRules(config).join('\n')).toContain(
      'ip daddr != { 10.1.2.3 } ip daddr { 10.0.0.0/8, 192.168.0.0/16 } reject',
    );
    expect(constantRules({ ...config, closedRanges: [] }).join('\n')).not.toContain('icmp admin-prohibited');
  });

  it('knows every interface a line may have, and the one address it may send from', () => {
    expect(lineSources(config)).toHaveLength(254);
    expect(lineSources(config)[253]).toBe('conb254 . 10.77.255.254');
  });

  it('removes nothing where nothing is to be removed', () => {
    expect(removals(config, given({}))).toEqual([]);
  });

  it('is told what a container has, and finds all of it again by the address', () => {
    const attached = elementsOf(config, {
      slot: 1,
      address: '10.77.0.1',
      forwards: [
        { protocol: 'tcp', hostPort: 20000, address: '10.77.0.1', port: 80, sources: ['192.0.2.1', '2001:db8::/32'] },
        { protocol: 'udp', hostPort: 20000, address: '10.77.0.1', port: 53 },
      ],
      grants: { smtp: true, networks: [7, 300], outBytesPerSecond: 1_000_000, inBytesPerSecond: 10_485_760 },
    });
    const neighbour = elementsOf(config, {
      slot: 11,
      address: '10.77.0.11',
      forwards: [{ protocol: 'tcp', hostPort: 20001, address: '10.77.0.11', port: 80, sources: ['192.0.2.0/24'] }],
    });
    expect(additions(config, attached).join('\n')).toContain('admitted { tcp . 20000 . 192.0.2.1 }');
    expect(additions(config, attached).join('\n')).toContain(
      'members { 0x00000007 . 10.77.0.1, 0x0000012c . 10.77.0.1 }',
    );
    expect(ofAddress(together(attached, neighbour), '10.77.0.1')).toEqual(attached);
    expect(ofAddress(together(attached, neighbour), '10.77.0.11')).toEqual(neighbour);
    expect(removals(config, without(attached, attached))).toEqual([]);
  });

  it('is told what a container has by IPv6 too, beside what it has by IPv4, and finds that again', () => {
    const forwards = [
      { protocol: 'tcp', hostPort: 20000, address: '10.77.0.10', port: 80, sources: ['2001:db8::/32'] },
    ] as const;
    const attached = elementsOf(
      { ...config, prefix6: 'fd12:3456:789a::/64' },
      { slot: 10, address: '10.77.0.10', forwards },
    );
    const text = additions(config, attached).join('\n');
    expect(text).toContain('forwards6 { tcp . 20000 : fd12:3456:789a::a . 80 }');
    expect(text).toContain('admitted6 { tcp . 20000 . 2001:db8::/32 }');
    expect(text).toContain('sources6 { "conv10" . fd12:3456:789a::a }');
    expect(ofAddress(attached, '10.77.0.10', 'fd12:3456:789a::a')).toEqual(attached);
  });

  it('hides addresses of one host alone behind the host, and those that are routed not', () => {
    expect(constantRules(config, 'fd12:3456:789a::/64').join('\n')).toContain('ip6 saddr fd12:3456:789a::/64 oifname');
    expect(constantRules(config, '2001:db8:1:2::/64').join('\n')).not.toContain('ip6 saddr 2001:db8');
  });
});
