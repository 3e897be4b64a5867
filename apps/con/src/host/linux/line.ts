import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { AsideSpec, LineSpec } from '../runtime.js';
import { processesBelow, readIfThere, removeSoon, type Cgroups } from './cgroups.js';
import { open, run, type Process } from './exec.js';
import { firstIdOf } from './idmap.js';
import { lineArgv, lineConfig, type LinePlaces } from './line-config.js';
import { lineAddress, lineNetworks, lineVeth, mustBeSlot, resolverAddresses } from './names.js';
import { signalPid } from './process.js';
import { seccompFile } from './seccomp.js';
import { directory, layerName } from './shelf.js';
import { endSurvivors } from './survivors.js';

const execute = '/usr/bin/lxc-execute';

/** The builder has a deadline of its own; this one holds whatever it forgets. */
const longestMs = 2 * 60 * 60_000;

/** What is done beside a container is small work: files are read or made. It is nobody's to pay for. */
const asideBytes = 256n * 1024n * 1024n;
const asideFew = { pids: 64, cpuMillis: 1_000 } as const;

/** How long killed processes may take to be gone. */
const endMs = 10_000;

/** How often that is looked for; a look is a few small files. */
const lookEveryMs = 2;

/** Without `newuidmap` in reach LXC, being root, writes the maps itself, and needs no entry in /etc/subuid. */
const reach = { PATH: '/usr/sbin:/sbin' };

/** Confile lines, each in a container that ends with it. */
export class Lines {
  /** Numbers of the networks in use. */
  private readonly networks = new Set<number>();

  constructor(
    private readonly config: Config,
    private readonly cgroups: Cgroups,
  ) {}

  /** @throws Problem when the line could not be run, or was cancelled; its own failure is its exit code. */
  async line(spec: LineSpec): Promise<number> {
    if (spec.signal.aborted) throw cancelled(); // before a network is taken
    const name = layerName(spec.layer);
    const network = spec.network ? this.takeNetwork() : undefined;
    return this.contained(name, network, spec, () => this.write(name, spec, network));
  }

  /** As a line runs, on the root of a container: with its ids, and few of everything. Names of layers hold no hyphen. */
  async aside({ slot, range, root, ...spec }: AsideSpec): Promise<number> {
    const name = `a-${mustBeSlot(slot)}`;
    return this.contained(name, undefined, { workdir: '/', environment: {}, ...spec }, () => {
      this.writeConfig(name, {
        root,
        firstId: firstIdOf(this.config, range),
        memoryBytes: asideBytes,
        few: { ...asideFew, unifiedCpu: this.cgroups.isUnified('cpu') },
      });
    });
  }

  private async contained(
    name: string,
    network: number | undefined,
    spec: Omit<LineSpec, 'layer' | 'root' | 'network'>,
    write: () => void,
  ): Promise<number> {
    try {
      if (spec.signal.aborted) throw cancelled();
      const argv = lineArgv(spec);
      await this.clear(name, network);
      write();
      const words = ['-P', this.path, '-n', name, '-o', `${this.path}/${name}/log`, '-l', 'ERROR', '--', ...argv];
      const child = open([execute, ...words], {
        timeoutMs: longestMs,
        signal: spec.signal,
        environment: reach,
      });
      const code = await watched(child, spec);
      if (spec.signal.aborted) throw cancelled();
      const fault = code === 0 ? undefined : firstError(readIfThere(`${this.path}/${name}/log`) ?? '');
      if (fault) throw new Problem('unavailable', `cannot run the line: ${fault}`);
      return code;
    } finally {
      await this.clear(name, network);
      if (network !== undefined) this.networks.delete(network);
    }
  }

  /** Ends and removes the lines of a daemon before this one; to be called before the first line. */
  async clearLines(): Promise<void> {
    // One that has not reached its cgroup yet is known by its words.
    const isOurs = (words: readonly string[]): boolean => words[0] === execute && words.includes(this.path);
    await endSurvivors(isOurs);
    const left = this.cgroups.hierarchies.flatMap(({ path }) => namesIn(`${path}/${this.parent}`));
    for (const name of new Set([...left, ...namesIn(this.path)])) await this.clear(name, undefined);
    await this.removeCgroups(this.parent);
    const ours = new RegExp(`^${this.config.name}b\\d+$`);
    const veths = readdirSync('/sys/class/net').filter((name) => ours.test(name));
    for (const veth of veths) await removeVeth(veth);
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Where LXC finds the lines' configurations, and what its sockets are named after. */
  private get path(): string {
    return `${this.config.runDirectory}/lines`;
  }

  /** The cgroup that all lines' cgroups are in, below every hierarchy's root. */
  private get parent(): string {
    return `${this.config.name}/lines`;
  }

  private takeNetwork(): number {
    for (let n = 1; n <= lineNetworks; n++) {
      if (this.networks.has(n)) continue;
      this.networks.add(n);
      return n;
    }
    throw new Problem(
      'too_many',
      `cannot run the line: ${lineNetworks} lines with a network run already; try again later`,
    );
  }

  private write(name: string, spec: LineSpec, network: number | undefined): void {
    const [resolver, policy] = [`${this.path}/${name}/resolv.conf`, `${this.path}/${name}/policy-rc.d`];
    this.makeDirectory(name);
    writeFileSync(resolver, resolverAddresses.map((address) => `nameserver ${address}\n`).join(''), { mode: 0o644 });
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    this.writeConfig(name, {
      root: spec.root,
      firstId: firstIdOf(this.config, 0),
      memoryBytes: BigInt(Math.floor(totalmem() / 2)),
      ...(network === undefined
        ? {}
        : { network: { veth: lineVeth(this.config, network), address: lineAddress(this.config, network) } }),
      bound: { resolver, policy },
    });
  }

  private writeConfig(name: string, places: Omit<LinePlaces, 'cgroup' | 'unified' | 'seccomp'>): void {
    this.makeDirectory(name);
    const text = lineConfig({
      ...places,
      seccomp: seccompFile(this.config.runDirectory),
      cgroup: {
        box: `${this.parent}/${name}/box`,
        monitor: `${this.parent}/${name}/monitor`,
        pivot: this.cgroups.pivot,
      },
      unified: { memory: this.cgroups.isUnified('memory'), pids: this.cgroups.isUnified('pids') },
    });
    writeFileSync(`${this.path}/${name}/config`, text, { mode: 0o600 });
  }

  /** Already there is success. */
  private makeDirectory(name: string): void {
    for (const path of [this.config.runDirectory, this.path, `${this.path}/${name}`]) directory(path, { mode: 0o711 });
  }

  /** Ends what a line left running, and removes what it left in the kernel and in the run directory. */
  private async clear(name: string, network: number | undefined): Promise<void> {
    const cgroup = `${this.parent}/${name}`;
    const deadline = performance.now() + endMs;
    for (let pids = this.processes(cgroup); pids.length > 0; pids = this.processes(cgroup)) {
      if (performance.now() > deadline) {
        throw new Problem('internal', `cannot end a line: the kernel does not let go of processes ${pids.join(', ')}`);
      }
      for (const pid of pids) signalPid(pid, 'SIGKILL');
      await pause(lookEveryMs);
    }
    await this.removeCgroups(cgroup);
    if (network !== undefined) await removeVeth(lineVeth(this.config, network));
    rmSync(`${this.path}/${name}`, { recursive: true, force: true });
    rmSync(`/run/lxc/lock${this.path}/.${name}`, { force: true });
  }

  private processes(cgroup: string): number[] {
    return this.cgroups.hierarchies.flatMap(({ path }) => processesBelow(`${path}/${cgroup}`));
  }

  private async removeCgroups(cgroup: string): Promise<void> {
    for (const { path } of this.cgroups.hierarchies) await removeSoon(`${path}/${cgroup}`);
  }
}

/** Feeds a line, passes on what it says, and answers its exit code. */
async function watched(child: Process, { input, log }: Pick<LineSpec, 'input' | 'log'>): Promise<number> {
  child.output.on('data', log);
  child.errors.on('data', log);
  let cut: Error | undefined;
  input?.once('error', (error: Error) => {
    cut = error;
    child.kill(); // half of an archive may look whole to the one who unpacks it
  });
  if (input) input.pipe(child.input);
  else child.input.end();
  const code = await child.exit;
  if (cut)
    throw new Problem('unavailable', `cannot run the line: its input ended early: ${cut.message}`, { cause: cut });
  return code;
}

/** The kernel removes it by itself soon after the last process, so that it may go between the look and the command. */
async function removeVeth(veth: string): Promise<void> {
  const path = `/sys/class/net/${veth}`;
  if (!existsSync(path)) return;
  const { code, errors } = await run(['ip', 'link', 'delete', veth]);
  if (code !== 0 && existsSync(path)) throw new Problem('internal', `cannot remove ${veth}: ${errors.trim()}`);
}

function namesIn(path: string): string[] {
  return existsSync(path)
    ? readdirSync(path, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? one.name : []))
    : [];
}

function cancelled(): Problem {
  return new Problem('unavailable', 'cannot finish the line: it was cancelled');
}

/** The first thing that LXC itself could not do; absent where the line ran. */
function firstError(log: string): string | undefined {
  return log
    .split('\n')
    .find((line) => line.includes(' ERROR '))
    ?.replace(/^.* ERROR\s+/, '');
}
