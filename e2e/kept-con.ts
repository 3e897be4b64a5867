import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, startCon, type ConOptions, type RunningCon } from '../tools/con-service.ts';

/** What a test needs to know to look at a con, to kill it and to keep it down. */
export type ConFacts = Readonly<{
  name: string;
  socket: string;
  port: number;
  home: string;
  pidFile: string;
  /** While this file is there, the con is not started again. */
  holdFile: string;
}>;

export type KeptCon = Readonly<{ facts: ConFacts; con: RunningCon; stop(): Promise<void> }>;

/** A con that is started again on the same home when it dies, as a service manager would do it. */
export async function keepCon(name: string, given: ConOptions, directory: string): Promise<KeptCon> {
  const options = { ...given, listenPort: given.listenPort ?? freePort() };
  const [pidFile, holdFile] = [join(directory, `${name}.pid`), join(directory, `${name}.hold`)];
  let isOver = false;
  let revival: Promise<void> | undefined;
  const begin = async (): Promise<RunningCon> => {
    const con = await startCon(options);
    writeFileSync(pidFile, String(con.service.pid));
    con.service.whenItDies(() => {
      revival = revive();
      revival.catch(console.error); // and again whoever stops the stack
    });
    return con;
  };
  const revive = async (): Promise<void> => {
    while (existsSync(holdFile)) await delay(50);
    if (!isOver) current = await begin();
  };
  const con = await begin();
  let current = con;
  const stop = async (): Promise<void> => {
    isOver = true;
    rmSync(holdFile, { force: true });
    await revival;
    await current.stop();
  };
  const facts = { name, socket: con.socket, port: options.listenPort, home: options.home, pidFile, holdFile };
  return { facts, con, stop };
}

/** The process that is this con now. */
export function pidOf({ pidFile }: Pick<ConFacts, 'pidFile'>): number {
  return Number(readFileSync(pidFile, 'utf8'));
}
