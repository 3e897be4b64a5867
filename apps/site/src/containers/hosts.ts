import { Inject, Injectable } from '@nestjs/common';
import { conClient, type ConClient, type Endpoint, type Template } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Config } from '../config.js';
import { CONFIG } from '../http/tokens.js';
import { Host } from './host.js';

/** How to speak to a con: a token of its own, so that a test can put another in its place. */
export abstract class Clients {
  abstract to(endpoint: Endpoint): ConClient;
}

export const realClients: Clients = {
  to: (endpoint) => conClient({ ...endpoint, connectMs: 1_000, timeoutMs: 5_000 }),
};

/** Every con of the configuration. None of them is needed for site to serve. */
@Injectable()
export class Hosts {
  readonly all: readonly Host[];
  private readonly byName: ReadonlyMap<string, Host>;

  constructor(@Inject(CONFIG) { hosts, baseUrl }: Config, clients: Clients) {
    const { hostname } = new URL(baseUrl);
    this.all = hosts.map(({ name, endpoint }) => new Host(name, clients.to(endpoint), endpoint, hostname));
    this.byName = new Map(this.all.map((host) => [host.name, host]));
  }

  get(name: string): Host | undefined {
    return this.byName.get(name);
  }

  /** Whether a host is silent or builds, so that more may be on offer than is known. */
  mayGrow(): boolean {
    return this.all.some(
      (host) => host.view().silent || (host.templates.value ?? []).some(({ state }) => state === 'building'),
    );
  }

  /** @throws Problem `unavailable` where the configuration names no such host any more. */
  mustGet(name: string): Host {
    const host = this.byName.get(name);
    if (!host) {
      const why = `cannot reach host ${name}: it is not in the configuration`;
      throw new Problem('unavailable', why, { kind: 'host-not-in-use', blanks: { host: name } });
    }
    host.mustBeUsable();
    return host;
  }

  /** No host delays the others. */
  async look(): Promise<void> {
    await Promise.all(this.all.map((host) => host.look()));
  }

  /** In service somewhere (a rebuild takes nothing out of it), by `name:version`; of two hosts that have it, the first in the configuration tells. */
  templates(): ReadonlyMap<string, Template> {
    const found = new Map<string, Template>();
    for (const host of this.all) {
      for (const template of host.view().silent ? [] : (host.templates.value ?? [])) {
        const key = `${template.name}:${template.version}`;
        if (template.snapshot !== undefined && !found.has(key)) found.set(key, template);
      }
    }
    return found;
  }

  /** Whether some host only pretends to run containers. */
  someAreFake(): boolean {
    return this.all.some(({ info }) => info.value?.driver === 'fake');
  }
}
