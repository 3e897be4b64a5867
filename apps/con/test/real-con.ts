import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { webSocketTo, type Container } from '@berth/con-protocol';
import { isOn } from '@berth/container';
import { WebSocket } from 'ws';
import { ownCon, startCon, type RunningCon } from '../../../tools/con-service.js';
import { sweepHost } from '../../../tools/sweep.js';

type Heard = { code: number; output: string };

/** con as it ships, on a real host, with one template called `plain`; it may be killed and started again. */
export class RealCon {
  readonly options: ReturnType<typeof ownCon>;
  private con: RunningCon | undefined;

  constructor(settings: Readonly<Record<string, string>> = {}) {
    const own = ownCon('linux');
    this.options = { ...own, env: { ...own.env, ...settings } };
  }

  get client(): RunningCon['client'] {
    return this.running.client;
  }

  get socket(): string {
    return this.running.socket;
  }

  /** @param lines of the template's Confile, below its base. */
  async enter(lines = ''): Promise<void> {
    await this.begin();
    await this.built(lines);
  }

  async built(lines: string): Promise<void> {
    const key = { name: 'plain', version: '1' };
    await this.client['templates.build']({ ...key, confile: `FROM debian:bookworm\n${lines}\n` });
    const built = await this.until(async () => {
      const { template } = await this.client['templates.get'](key);
      return template.state === 'building' ? undefined : template;
    });
    if (built.state !== 'ready') throw new Error(`the template ${built.state}: ${built.reason}`);
  }

  async begin(): Promise<void> {
    this.con = await startCon(this.options);
  }

  /** As by kill -9. */
  async kill(): Promise<void> {
    await this.running.service.stop('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.running.stop();
  }

  async leave(): Promise<void> {
    for (const { id, state } of (await this.con?.client['containers.list']({}))?.containers ?? []) {
      if (isOn(state)) await this.client['containers.kill']({ id }); // what is frozen would outlive its monitor
    }
    await this.con?.stop();
    await sweepHost(this.options);
    rmSync(this.options.home, { recursive: true, force: true });
  }

  async created(id: string): Promise<Container> {
    const template = { name: 'plain', version: '1' };
    await this.client['containers.create']({ id, name: id, owner: 'ann', template });
    return this.is(id, 'stopped');
  }

  async started(id: string): Promise<Container> {
    await this.client['containers.start']({ id });
    return this.is(id, 'running');
  }

  async stopped(id: string): Promise<Container> {
    await this.client['containers.stop']({ id });
    return this.is(id, 'stopped');
  }

  async kept(id: string, snapshot: string): Promise<void> {
    await this.client['containers.snapshot']({ id, snapshot });
    await this.until(async () => {
      const { snapshots } = await this.client['containers.snapshots']({ id });
      const one = snapshots.find((each) => each.id === snapshot);
      if (one?.state === 'failed') throw new Error(one.reason);
      return one?.state === 'kept' ? one : undefined;
    });
  }

  /** Resolves once it is so. @throws Error where it has failed instead. */
  is(id: string, wanted: Container['state']): Promise<Container> {
    return this.until(async () => {
      const { container } = await this.client['containers.get']({ id });
      if (container.state === 'failed' && wanted !== 'failed') throw new Error(`${id} failed: ${container.reason}`);
      return container.state === wanted ? container : undefined;
    });
  }

  /** Runs a shell command inside to its end. */
  async said(id: string, command: string): Promise<Heard> {
    const { stream } = await this.client['containers.exec']({ id, argv: ['sh', '-c', command] });
    const { address, ...way } = webSocketTo({ socketPath: this.socket }, stream);
    const socket = new WebSocket(address, way);
    const heard: Heard = { code: -1, output: '' };
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) heard.output += data.subarray(1).toString('utf8');
      else heard.code = (JSON.parse(data.toString('utf8')) as { exitCode: number }).exitCode;
    });
    await new Promise((resolve, reject) => {
      socket.on('close', resolve).on('error', reject);
      socket.on('open', () => socket.send(Buffer.alloc(0), { binary: true }));
    });
    return heard;
  }

  /** Until systemd inside has nothing more to do. */
  async booted(id: string): Promise<void> {
    await this.said(id, 'until test -S /run/systemd/private; do sleep 0.02; done; systemctl is-system-running --wait');
  }

  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      await delay(20);
    }
  }

  private get running(): RunningCon {
    if (!this.con) throw new Error('con was not begun');
    return this.con;
  }
}
