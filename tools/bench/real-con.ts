import { rmSync } from 'node:fs';
import { catalogueEntries, ensureTemplate } from '../catalogue.ts';
import { ownCon, startCon, type ConOptions, type RunningCon } from '../con-service.ts';
import { driverHere } from '../driver.ts';
import { sweepHost } from '../sweep.ts';

export type Template = Readonly<{ name: string; version: string }>;

/** Gives a bench a con of its own on this host, with the nginx template, and sweeps both away afterwards. */
export async function withRealCon<T>(
  what: string,
  work: (con: RunningCon, template: Template) => Promise<T>,
  more: Partial<ConOptions> = {},
): Promise<T> {
  const here = await driverHere();
  if (here.driver === 'fake') throw new Error(`cannot measure ${what}: ${here.because}`);
  const options = { ...ownCon('linux'), ...more };
  const con = await startCon(options);
  try {
    const nginx = catalogueEntries().find(({ name }) => name === 'nginx')!;
    await ensureTemplate(con, nginx, console.log);
    return await work(con, { name: nginx.name, version: nginx.version });
  } finally {
    await con.stop();
    await sweepHost(options);
    rmSync(options.home, { recursive: true, force: true });
  }
}
