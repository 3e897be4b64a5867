import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';

const day = 24 * 60 * 60;

const octet = '(25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const range = z
  .string()
  .regex(new RegExp(`^${octet}(\\.${octet}){3}(/(3[0-2]|[12]?\\d))?$`), 'must be IPv4 networks such as 10.0.0.0/8');

/** As a list, or as text with commas. */
const ranges = z.preprocess(
  (given) => (typeof given === 'string' ? given.split(',').flatMap((part) => part.trim() || []) : given),
  z.array(range).readonly(),
);

/** What the environment and flags hold is text; nothing else is taken for a number, least of all `null`. */
const numeric = (given: unknown): unknown =>
  typeof given === 'string' && /^-?\d+(\.\d+)?$/.test(given) ? Number(given) : given;
const whole = (least: number, most: number) => z.preprocess(numeric, z.number().int().min(least).max(most));

/** As a list, or as text with commas. */
const ports = z.preprocess(
  (given) =>
    typeof given === 'string' ? given.split(',').flatMap((part) => (part.trim() ? numeric(part.trim()) : [])) : given,
  z.array(z.number().int().min(1).max(65_535)).readonly(),
);

const domain = z
  .string()
  .max(190)
  .regex(
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be a domain such as apps.example.org',
  );

/** As a list, or as text with commas. */
const domains = z.preprocess(
  (given) => (typeof given === 'string' ? given.split(',').flatMap((part) => part.trim() || []) : given),
  z.array(domain).readonly(),
);

/** Every setting of the daemon, with its default and its help. Sizes carry their unit as the last word. */
const Settings = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,6}$/, 'must be 1 to 7 letters or digits, a letter first')
    .default('con')
    .describe('prefix of all that con makes on the host: nftables table, cgroups, interfaces; two daemons need two'),
  driver: z
    .enum(['linux', 'fake'])
    .default('linux')
    .describe('linux for real containers, fake for a host that pretends'),
  home: z
    .string()
    .startsWith('/')
    .default('/var/lib/berth/con')
    .describe('database, layers and the data of containers'),
  storage: z
    .enum(['overlay', 'btrfs'])
    .default('overlay')
    .describe(
      'how layers and the data of containers lie in home: overlay works on any disk, btrfs needs a pool and makes snapshots and copies at once; a home stays what it was begun with',
    ),
  poolBytes: whole(256 * 2 ** 20, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'with storage btrfs, where home is no btrfs itself: size of the file in home that becomes the pool, taken at once (default: half of what is free)',
    ),
  /** Socket paths end at 107 characters. */
  runDirectory: z
    .string()
    .startsWith('/')
    .max(60)
    .default('/run/berth/con')
    .describe('short-lived files, mounts and the unix socket; at most 60 characters'),
  listenHost: z
    .union([z.ipv4(), z.ipv6()], { error: 'must be an address such as 127.0.0.1 or 192.0.2.7' })
    .default('127.0.0.1')
    .describe('where site and scripts call; on any other address than loopback calls are encrypted (TLS 1.3)'),
  listenPort: whole(0, 65_535).default(7077).describe('0 takes any that is free'),
  tokenFile: z
    .string()
    .startsWith('/')
    .optional()
    .describe('holds the token; made at the first start, mode 0600 (default: token in home)'),
  addressPool: z
    .string()
    .regex(new RegExp(`^${octet}\\.${octet}\\.0\\.0/16$`), 'must be a /16 such as 10.77.0.0/16')
    .default('10.77.0.0/16')
    .describe('the /16 that containers get their addresses from'),
  addressPrefix6: z
    .string()
    .regex(/^[0-9a-f:]+::\/64$/, 'must be a /64 such as 2001:db8:1:2::/64')
    .refine((text) => isIPv6(text.slice(0, -3)), 'must be a /64 such as 2001:db8:1:2::/64')
    .optional()
    .describe(
      'the /64 that containers get IPv6 addresses from; it must be routed to this host (default: one of its own, behind the address of this host)',
    ),
  closedRanges6: z
    .preprocess(
      (given) => (typeof given === 'string' ? given.split(',').flatMap((part) => part.trim() || []) : given),
      z.array(z.string().regex(/^[0-9a-f:]+\/\d{1,3}$/, 'must be IPv6 networks such as fc00::/7')).readonly(),
    )
    .default(['fc00::/7', '64:ff9b::/96', '64:ff9b:1::/48', '2002::/16', '2001::/32'])
    .describe(
      'IPv6 networks that containers cannot reach, beside those that this host is in itself; by default what is private or leads to IPv4',
    ),
  closedRanges: ranges
    .default(['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', '198.18.0.0/15'])
    .describe('what containers cannot reach, with commas between; by default all private networks (RFC 6890)'),
  openRanges: ranges
    .default([])
    .describe(
      'exceptions from closedRanges; the name servers of this host and its Debian mirror are open in any case, at their ports alone',
    ),
  connectionsPerContainer: whole(16, 1_000_000)
    .default(8_192)
    .describe('how many connections a container may have out, and as many in'),
  newConnectionsPerSecond: whole(10, 1_000_000)
    .default(1_000)
    .describe('how many connections a container may begin in a second; twice as many at once'),
  packetsPerSecond: whole(100, 100_000_000)
    .default(50_000)
    .describe('how many packets a container may send in a second; as many again at once'),
  queriesPerSecond: whole(1, 1_000_000)
    .default(200)
    .describe('how many names a container may ask for in a second; twice as many at once'),
  firstPort: whole(1024, 65_535).default(20_000).describe('first port of the host that is forwarded to containers'),
  lastPort: whole(1024, 65_535).default(29_999).describe('last port of the host that is forwarded to containers'),
  reservedPorts: ports
    .default([22, 80, 443])
    .describe('ports of the host that no container may choose, whether something serves them at the moment or not'),
  firstId: whole(65_536, 65_000 * 65_536)
    .refine((id) => id % 65_536 === 0, 'must be a multiple of 65536')
    .default(16 * 65_536)
    .describe('first user id of containers; a multiple of 65536, with room for thousands of ranges above it'),
  mirror: z
    .url()
    .optional()
    .describe('where the base and its packages are fetched (default: the first Debian source of this host)'),
  baseCache: z
    .string()
    .startsWith('/')
    .optional()
    .describe(
      'root file systems of distributions are kept there as archives, so that several cons or a host without network need to lay each down only once; only root may write to it',
    ),
  appsHost: z
    .string()
    .optional()
    .describe('host name or address at which apps answer (default: the address of the default route)'),
  appsDomain: domain
    .optional()
    .describe(
      'names of containers lie below it, like shop.APPSDOMAIN; needs Caddy; its DNS has a wildcard that leads here',
    ),
  appsTls: z
    .enum(['acme', 'internal', 'files'])
    .default('acme')
    .describe(
      'where certificates come from: acme fetches one for each name at its first visit, internal makes them of an authority that nobody trusts, files takes a wildcard of yours',
    ),
  appsCertificate: z.string().startsWith('/').optional().describe('with appsTls files: the wildcard, with its chain'),
  appsCertificateKey: z
    .string()
    .startsWith('/')
    .optional()
    .describe('with appsTls files: its key; the account caddy must be able to read both'),
  appsHttpPort: whole(1, 65_535).default(80).describe('where names answer without TLS, sending on to it'),
  appsHttpsPort: whole(1, 65_535).default(443).describe('where names answer with TLS'),
  closedDomains: domains
    .default([])
    .describe('domains that no container may have, nor what lies below them; name the one of your dashboard'),
  trashSeconds: whole(0, 2 ** 31 - 1)
    .default(7 * day)
    .describe('how long the trash keeps a container'),
  restSeconds: whole(0, 2 ** 31 - 1)
    .default(day)
    .describe('how long an address or a port rests before another container may have it'),
  sampleSeconds: z.preprocess(numeric, z.number().min(0.1).max(60)).default(10).describe('how often use is measured'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('what is logged'),
});

export type Config = Readonly<z.output<typeof Settings>>;

export type Setting = Readonly<{ name: string; variable: string; help: string; usual: string | undefined }>;

/** Every setting for those who are to read of it: a flag of `con daemon` and a variable each. */
export const settings: readonly Setting[] = Object.entries(Settings.shape).map(([name, schema]) => {
  const usual: unknown = schema.safeParse(undefined).data;
  const text = Array.isArray(usual) ? usual.join(',') : JSON.stringify(usual)?.replaceAll('"', '');
  const shown = text === '' ? undefined : text;
  return { name, variable: variable(name), help: schema.description ?? '', usual: shown };
});

/** Whether what is said at this address stays on this machine. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** Where the command line finds the daemon. */
export function socketPathOf({ runDirectory }: Pick<Config, 'runDirectory'>): string {
  return join(runDirectory, 'con.sock');
}

/** What the command line, as a client, takes from the environment. See no-color.org for the last. */
export function readCaller(environment: NodeJS.ProcessEnv = process.env): {
  token: string | undefined;
  color: boolean;
} {
  return { token: environment['CON_TOKEN'], color: !environment['NO_COLOR'] };
}

/** Thrown with every fault at once; main prints it and exits 78 (EX_CONFIG of sysexits.h). */
export class ConfigFault extends Error {}

/** Flags win over `CON_…` variables, those over the JSON file, that over the defaults. The token is never a flag. */
export function readConfig(
  flags: Readonly<Record<string, string>>,
  environment: NodeJS.ProcessEnv = process.env,
): Config {
  const file = flags['config'] ?? environment['CON_CONFIG'];
  const values: Record<string, unknown> = file ? fromFile(file) : {};
  for (const key of Object.keys(Settings.shape)) {
    const given = flags[key] ?? environment[variable(key)];
    if (given !== undefined && given !== '') values[key] = given; // an empty variable says nothing
  }
  const read = Settings.safeParse(values);
  if (!read.success) {
    const faults = read.error.issues.map((issue) => `  ${issue.path.join('.') || 'config'}: ${issue.message}`);
    throw new ConfigFault(`cannot start with this configuration:\n${faults.join('\n')}`);
  }
  if (read.data.firstPort > read.data.lastPort) {
    throw new ConfigFault('cannot start with this configuration:\n  firstPort: must not be above lastPort');
  }
  const { appsTls, appsCertificate, appsCertificateKey } = read.data;
  if (appsTls === 'files' && !(appsCertificate && appsCertificateKey)) {
    const faults = '  appsTls: files needs appsCertificate and appsCertificateKey';
    throw new ConfigFault(`cannot start with this configuration:\n${faults}`);
  }
  return Object.freeze(read.data);
}

/** `listenPort` → `CON_LISTEN_PORT`. */
function variable(key: string): string {
  return `CON_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function fromFile(path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new ConfigFault(`cannot read the configuration file ${path}: it must hold a JSON object`, { cause });
  }
}
