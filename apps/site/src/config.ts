import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { faultIn, type Endpoint } from '@berth/con-protocol';
import { z } from 'zod';
import { startOfDay } from './pricing/calendar.js';
import { demoTariff, Tariff } from './pricing/tariff.js';
import { germanVat, Vat } from './pricing/vat.js';
import { isLoopback, sharedDomain } from './http/origin.js';

/** One con. Its token comes from a file or from a variable, never from the configuration itself. */
const HostSetting = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, 'must be letters, digits and hyphens'),
    url: z.url({ protocol: /^https?$/ }).optional(),
    /** The key that answers at an https address, as `con host info` tells it there. */
    pin: z.string().optional(),
    socketPath: z.string().startsWith('/').optional(),
    tokenFile: z.string().startsWith('/').optional(),
    tokenVariable: z.string().optional(),
    /** Where its apps answer, if known beforehand: checked at start. con's own word is checked whenever it answers. */
    appsHost: z.string().optional(),
  })
  .refine(({ url, socketPath }) => (url === undefined) !== (socketPath === undefined), 'needs either url or socketPath')
  .refine(
    ({ url, tokenFile, tokenVariable }) => url === undefined || tokenFile !== undefined || tokenVariable !== undefined,
    'needs tokenFile or tokenVariable beside url',
  );

/** Who sells: printed on invoices, and frozen there. */
const Seller = z.strictObject({
  name: z.string().min(1),
  street: z.string().min(1),
  postcode: z.string().min(1),
  city: z.string().min(1),
  country: z.string().regex(/^[A-Z]{2}$/),
  email: z.email().optional(),
  vatId: z.string().optional(),
  taxNumber: z.string().optional(),
  iban: z.string().optional(),
});

const demoSeller: z.output<typeof Seller> = {
  name: 'Berth demo installation',
  street: 'Example street 1',
  postcode: '00000',
  city: 'Example',
  country: 'DE',
};

const seconds = (least: number, usual: number) => z.coerce.number().int().min(least).default(usual);
const count = (usual: number) => z.coerce.number().int().min(1).default(usual);

const Throttle = z.strictObject({
  windowSeconds: seconds(1, 600),
  /** Failed sign-ins for one address of mail. */
  failuresPerAccount: count(10),
  /** Failed sign-ins from one network address. */
  failuresPerAddress: count(100),
  /** Sign-ups from one network address. */
  signUpsPerAddress: count(60),
});

/** Every setting of site, with its default beside it. Objects in the environment are written as JSON. */
const Settings = z.strictObject({
  /** The role that serves: it owns nothing. */
  databaseUrl: z.string().startsWith('postgres', 'must be a postgresql:// URL'),
  /** The role that owns the tables: only `migrate` uses it. */
  databaseOwnerUrl: z.string().startsWith('postgres', 'must be a postgresql:// URL').optional(),
  listenHost: z.string().default('127.0.0.1'),
  listenPort: z.coerce.number().int().min(0).max(65_535).default(8080),
  /** Where browsers find the dashboard; links in mails begin with it. */
  baseUrl: z.url({ protocol: /^https?$/ }).default('http://localhost:8080'),
  /** The built dashboard. Default: the one inside this package, where there is one; without it site serves JSON alone. */
  dashboardDirectory: z.string().startsWith('/').optional(),
  /** How many proxies in front of site may be believed about the visitor's address. */
  trustedProxies: z.coerce.number().int().min(0).max(5).default(0),
  hosts: z.array(HostSetting).default([]),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default('EUR'),
  billingTimeZone: z
    .string()
    .refine(isTimeZone, 'is not a time zone')
    .refine(
      (zone) => !isTimeZone(zone) || hasWholeHours(zone),
      'must be whole hours from UTC: use is billed by UTC hour, and a month must not begin within one',
    )
    .default('Europe/Berlin'),
  /** Gross; 0 gives none. */
  trialCreditNanos: z.coerce.bigint().min(0n).default(5_000_000_000n),
  /** How many containers a customer may hold at a time, those in the trash included: each takes an address and ports of its host. */
  containersPerCustomer: count(100),
  tariff: Tariff.prefault(demoTariff),
  seller: Seller.default(demoSeller),
  vat: Vat.default(germanVat),
  sessionIdleSeconds: seconds(60, 7 * 86_400),
  sessionSeconds: seconds(60, 30 * 86_400),
  throttle: Throttle.prefault({}),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export type Config = Readonly<
  Omit<z.output<typeof Settings>, 'hosts'> & {
    hosts: readonly HostConfig[];
    /** Whether cookies may travel over TLS alone. */
    secureCookies: boolean;
  }
>;

export type HostConfig = Readonly<{ name: string; endpoint: Endpoint }>;

/** Thrown with every fault at once; main prints it and exits 78 (EX_CONFIG of sysexits.h). */
export class ConfigFault extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`cannot start with this configuration:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

/** `SITE_…` variables win over the JSON file that `SITE_CONFIG` names, and that over the defaults. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const file = environment['SITE_CONFIG'];
  const values: Record<string, unknown> = file ? fromFile(file) : {};
  for (const key of Object.keys(Settings.shape)) {
    const given = environment[variable(key)];
    if (given !== undefined) values[key] = fromText(given, key);
  }
  const read = Settings.safeParse(values);
  if (!read.success)
    throw new ConfigFault(read.error.issues.map(({ path, message }) => `${path.join('.') || 'config'}: ${message}`));
  return complete(read.data, environment);
}

function complete(settings: z.output<typeof Settings>, environment: NodeJS.ProcessEnv): Config {
  const faults: string[] = [];
  const base = new URL(settings.baseUrl);
  if (base.protocol === 'http:' && !isLoopback(base.hostname))
    faults.push('baseUrl: must be https outside localhost, because cookies are sent over TLS alone');
  if (settings.tariff.currency !== settings.currency)
    faults.push('tariff.currency: must be the currency of the installation');
  const names = settings.hosts.map(({ name }) => name);
  if (new Set(names).size !== names.length) faults.push('hosts: each needs a name of its own');
  const hosts = settings.hosts.map((host, at): HostConfig => {
    const shared = host.appsHost === undefined ? undefined : sharedDomain(base.hostname, host.appsHost);
    if (shared) faults.push(`hosts.${at}.appsHost: apps must not share ${shared} with the dashboard; see baseUrl`);
    if (host.socketPath !== undefined) return { name: host.name, endpoint: { socketPath: host.socketPath } };
    const { url = '', pin } = host;
    const fault = faultIn(url, pin);
    if (fault) faults.push(`hosts.${at}.url: ${fault}`);
    const token = tokenOf(host, environment);
    if (!token) faults.push(`hosts.${at}: cannot read its token from ${host.tokenFile ?? host.tokenVariable}`);
    return { name: host.name, endpoint: { url, token: token ?? '', ...(pin === undefined ? {} : { pin }) } };
  });
  if (faults.length > 0) throw new ConfigFault(faults);
  const dashboardDirectory = settings.dashboardDirectory ?? packedDashboard();
  return Object.freeze({ ...settings, dashboardDirectory, hosts, secureCookies: base.protocol === 'https:' });
}

/** `tools/pack.mjs` lays the dashboard beside `dist`; a clone has none there. */
function packedDashboard(): string | undefined {
  const directory = fileURLToPath(new URL('../dashboard', import.meta.url));
  return existsSync(directory) ? directory : undefined;
}

function tokenOf(host: z.output<typeof HostSetting>, environment: NodeJS.ProcessEnv): string | undefined {
  if (host.tokenVariable !== undefined) return environment[host.tokenVariable];
  try {
    return readFileSync(host.tokenFile ?? '', 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined; // absent or unreadable: the caller reports it with all other faults
  }
}

/** `databaseUrl` → `SITE_DATABASE_URL`. */
function variable(key: string): string {
  return `SITE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function fromText(text: string, key: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigFault([`${key}: cannot read ${variable(key)} as JSON: ${(cause as Error).message}`]);
  }
}

function fromFile(path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new ConfigFault([`config: cannot read ${path}: it must hold a JSON object`]);
  }
}

function isTimeZone(name: string): boolean {
  // The list that Intl has holds one spelling of each: Asia/Calcutta, and not Asia/Kolkata.
  try {
    return /^[A-Z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (fault) {
    if (fault instanceof RangeError) return false;
    throw fault;
  }
}

/** In each month of these years: a zone may have changed, or change with the season. */
function hasWholeHours(zone: string): boolean {
  const now = new Date().getUTCFullYear();
  const months = Array.from({ length: 36 }, (_, at) => new Date(Date.UTC(now - 1, at, 15)));
  return months.every((at) => startOfDay(at, zone).getTime() % 3_600_000 === 0);
}
