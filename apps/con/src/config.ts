import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const day = 24 * 60 * 60;

/** Every setting of the daemon, with its default beside it. Sizes carry their unit as the last word. */
const Settings = z.strictObject({
  /** Prefix of all that con makes on the host: nftables table, cgroups, interfaces. Two daemons need two names. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,6}$/, 'must be 1 to 7 letters or digits, a letter first')
    .default('con'),
  driver: z.enum(['linux', 'fake']).default('linux'),
  home: z.string().startsWith('/').default('/var/lib/berth/con'),
  /** Short-lived files and sockets; kept under 60 characters, because socket paths end at 107. */
  runDirectory: z.string().startsWith('/').max(60).default('/run/berth/con'),
  /** Loopback only for now; 0 as port takes any free one. */
  listenHost: z.enum(['127.0.0.1', '::1']).default('127.0.0.1'),
  listenPort: z.coerce.number().int().min(0).max(65_535).default(7077),
  /** File that holds the token; made at first start, mode 0600. Default: `token` in home. */
  tokenFile: z.string().startsWith('/').optional(),
  /** Containers get /32 addresses out of this /16. */
  addressPool: z
    .string()
    .regex(/^\d{1,3}\.\d{1,3}\.0\.0\/16$/, 'must be a /16 such as 10.77.0.0/16')
    .default('10.77.0.0/16'),
  firstPort: z.coerce.number().int().min(1024).max(65_535).default(20_000),
  lastPort: z.coerce.number().int().min(1024).max(65_535).default(29_999),
  /** First user id of range 0; a multiple of 65,536, with room for thousands of ranges above it. */
  firstId: z.coerce
    .number()
    .int()
    .min(65_536)
    .default(16 * 65_536),
  /** Where debootstrap and the base's apt fetch from. Default: the first Debian source of this host. */
  mirror: z.url().optional(),
  /** Host name or address at which forwarded ports answer. Default: the address of the default route's interface. */
  appsHost: z.string().optional(),
  trashSeconds: z.coerce
    .number()
    .int()
    .min(0)
    .default(7 * day),
  /** How long addresses, ports and id ranges rest before another may have them. */
  restSeconds: z.coerce.number().int().min(0).default(day),
  sampleSeconds: z.coerce.number().min(0.1).max(60).default(10),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export type Config = Readonly<z.output<typeof Settings>>;

/** Every setting's name: a flag of `con daemon` each. */
export const settingNames: readonly string[] = Object.keys(Settings.shape);

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
    if (given !== undefined) values[key] = given;
  }
  const read = Settings.safeParse(values);
  if (!read.success) {
    const faults = read.error.issues.map((issue) => `  ${issue.path.join('.') || 'config'}: ${issue.message}`);
    throw new ConfigFault(`cannot start with this configuration:\n${faults.join('\n')}`);
  }
  if (read.data.firstPort > read.data.lastPort) {
    throw new ConfigFault('cannot start with this configuration:\n  firstPort: must not be above lastPort');
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
