#!/usr/bin/env node
import 'reflect-metadata';
import { once } from 'node:events';
import { z } from 'zod';
import { ConfigFault, readConfig } from './config.js';
import { Customers } from './customers/customers.js';
import { Passwords } from './customers/passwords.js';
import { migrate } from './db/migrate.js';
import { dataSource } from './db/source.js';
import { crossCheck } from './invoices/cross-check.js';
import { verifyLedger } from './ledger/verify.js';

const help = `berth-site [serve]       serves until SIGTERM or SIGINT
berth-site migrate       brings the database up to date, as SITE_DATABASE_OWNER_URL
berth-site verify-ledger recomputes every seal of the books; exits 1 where something does not agree
berth-site admin EMAIL   makes an admin of an address, with a new password, printed once

Settings come from SITE_… variables and the JSON file that SITE_CONFIG names.
`;

/** 64 is EX_USAGE and 78 EX_CONFIG of sysexits.h. */
async function main(words: readonly string[]): Promise<number> {
  const [command = 'serve', argument, ...rest] = words;
  switch (command) {
    case 'serve':
      return serve();
    case 'migrate':
      return migrateNow();
    case 'verify-ledger':
      return verify();
    case 'admin':
      if (argument !== undefined && rest.length === 0 && z.email().safeParse(argument).success) return admin(argument);
      break;
    case 'help':
    case '--help':
      process.stdout.write(help);
      return 0;
  }
  process.stderr.write(help);
  return 64;
}

async function serve(): Promise<number> {
  const config = readConfig();
  const { startSite } = await import('./site.js'); // the other commands are quicker without it
  const site = await startSite(config);
  process.stdout.write(`site listens on ${site.url}\n`);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  await site.close();
  return 0;
}

async function migrateNow(): Promise<number> {
  const { databaseUrl, databaseOwnerUrl } = readConfig();
  if (databaseOwnerUrl === undefined) throw new ConfigFault(['databaseOwnerUrl: is needed to migrate']);
  const applied = await migrate(databaseOwnerUrl, databaseUrl);
  process.stdout.write(applied.length > 0 ? `applied ${applied.join(', ')}\n` : 'the database is up to date\n');
  return 0;
}

async function verify(): Promise<number> {
  const db = await dataSource(readConfig().databaseUrl, { poolSize: 1 }).initialize();
  try {
    const { entries, seals, events, alarms } = await db.transaction('REPEATABLE READ', async (snapshot) => {
      const verdict = await verifyLedger(snapshot);
      return { ...verdict, alarms: [...verdict.alarms, ...(await crossCheck(snapshot))] };
    });
    process.stdout.write(`${entries} entries under ${seals} seals, ${events} audit events\n`);
    for (const alarm of alarms) process.stderr.write(`ALARM: ${alarm}\n`);
    return alarms.length > 0 ? 1 : 0;
  } finally {
    await db.destroy();
  }
}

/** Without the rest of site: no door opens, no job runs. */
async function admin(email: string): Promise<number> {
  const db = await dataSource(readConfig().databaseUrl, { poolSize: 1 }).initialize();
  try {
    const { password } = await new Customers(db, new Passwords(), { grant: async () => undefined }).makeAdmin(email);
    process.stdout.write(password === undefined ? `${email} is an admin\n` : `admin ${email}\npassword ${password}\n`);
    return 0;
  } finally {
    await db.destroy();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ConfigFault ? 78 : 1;
}
