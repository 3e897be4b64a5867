import type { ConClient, Container, Endpoint, HostInfo, Template } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { sharedDomain } from '../http/origin.js';
import { forCustomers } from './acts.js';
import { nextListing, type Listing } from './listing.js';
import { Watched } from './watched.js';

/** Two polling periods of the dashboard: a host that told nothing for longer is silent. */
const silentAfterMs = 4_000;
/** How long a page waits for a host that has just answered, before it shows what it knows. */
const patienceMs = 400;
const timeoutMs = 1_500;

/** What a host is to those who ask now. */
export type HostView = Readonly<{ name: string; listing?: Listing; observedAt?: Date }> &
  (Readonly<{ silent: false }> | Readonly<{ silent: true; since: Date; reason: string }>);

type Patch = Readonly<{ container: Container; at: number }>;

/** One con, as site sees it: its last answers, never older than a second while somebody looks. */
export class Host {
  /** `con` for what customers ask of it. */
  readonly acts: ConClient;
  readonly list: Watched<Listing>;
  readonly info: Watched<HostInfo>;
  readonly templates: Watched<readonly Template[]>;
  private readonly patches = new Map<string, Patch>();
  private readonly born: number;

  constructor(
    readonly name: string,
    readonly con: ConClient,
    readonly endpoint: Endpoint,
    private readonly dashboardHost: string,
    private readonly now: () => number = Date.now,
  ) {
    this.born = now();
    this.acts = forCustomers(name, con);
    this.list = new Watched((before, signal) => this.askList(before, signal), { everyMs: 1_000, timeoutMs, now });
    this.info = new Watched((_, signal) => con['host.info']({}, { signal }), { everyMs: 5_000, timeoutMs, now });
    this.templates = new Watched(async (_, signal) => (await con['templates.list']({}, { signal })).templates, {
      everyMs: 5_000,
      timeoutMs,
      now,
    });
  }

  /** Asks what is due. Waits for a host that answers, briefly; for one known to be silent, not at all. */
  async look(): Promise<void> {
    const all = Promise.all([this.list.refresh(), this.info.refresh(), this.templates.refresh()]);
    if (this.list.failure) return;
    const isFresh = this.now() - (this.list.answeredAt ?? 0) < silentAfterMs;
    await (isFresh ? Promise.race([all, after(patienceMs)]) : all);
  }

  view(): HostView {
    const { value: listing, answeredAt } = this.list;
    const known = {
      name: this.name,
      ...(listing ? { listing } : {}),
      ...(answeredAt === undefined ? {} : { observedAt: new Date(answeredAt) }),
    };
    const refusal = this.refusal();
    if (refusal === undefined && answeredAt !== undefined && this.now() - answeredAt <= silentAfterMs) {
      return { ...known, silent: false };
    }
    const reason = refusal ?? this.list.failure?.reason ?? this.info.failure?.reason ?? 'it was not asked yet';
    return { ...known, silent: true, since: new Date(answeredAt ?? this.born), reason };
  }

  /** Cookies ignore ports: a host whose apps share our name or domain is not used, whatever it offers. */
  private refusal(): string | undefined {
    const info = this.info.value;
    if (!info) return this.info.failure?.reason ?? 'it has not told yet where its apps answer';
    for (const place of [info.appsHost, ...(info.appsDomain === undefined ? [] : [info.appsDomain])]) {
      const shared = sharedDomain(place, this.dashboardHost);
      if (shared) return `cannot use it: its apps answer at ${place}, which shares ${shared} with the dashboard`;
    }
    return undefined;
  }

  /** @throws Problem `unavailable` where the host is refused; one that is silent now is tried, because it may be back. */
  mustBeUsable(): void {
    const refusal = this.refusal();
    if (refusal === undefined) return;
    if (this.info.value)
      throw new Problem('unavailable', refusal, { kind: 'host-not-in-use', blanks: { host: this.name } });
    throw new Problem('unavailable', `cannot reach host ${this.name}: it does not answer`, {
      kind: 'host-silent',
      blanks: { host: this.name },
    });
  }

  /** What an act answered is newer than any list that was asked for before it. */
  learn(container: Container): void {
    this.patches.set(container.id, { container, at: this.now() });
  }

  container(id: string): Container | undefined {
    const container = this.patches.get(id)?.container ?? this.list.value?.containers.get(id);
    return container && this.leadsToApps(container.url) ? container : container && { ...container, url: undefined };
  }

  /** A link may lead where the host said that its apps answer, and nowhere else: that place was looked at, see `refusal`. */
  private leadsToApps(url: string | undefined): boolean {
    if (url === undefined) return true;
    const appsHost = this.info.value?.appsHost.replace(/^\[|\]$/g, '').toLowerCase();
    if (!URL.canParse(url)) return false;
    const { protocol, hostname } = new URL(url);
    const domain = this.info.value?.appsDomain?.toLowerCase();
    const isNamed = domain !== undefined && protocol === 'https:' && hostname.endsWith(`.${domain}`);
    return isNamed || (/^https?:$/.test(protocol) && hostname.replace(/^\[|\]$/g, '') === appsHost);
  }

  /** How many it has, with those that were made since it last told. */
  get size(): number {
    const listed = this.list.value?.containers;
    const unlisted = [...this.patches.keys()].filter((id) => !listed?.has(id)).length;
    return (listed?.size ?? 0) + unlisted;
  }

  template(name: string, version: string): Template | undefined {
    return this.templates.value?.find((one) => one.name === name && one.version === version);
  }

  private async askList(before: Listing | undefined, signal: AbortSignal): Promise<Listing> {
    const asked = this.now();
    const answer = await this.con['containers.list'](before ? { known: before.version } : {}, { signal });
    for (const [id, { at }] of this.patches) if (at < asked) this.patches.delete(id);
    return nextListing(before, answer);
  }
}

function after(ms: number): Promise<void> {
  return new Promise((done) => AbortSignal.timeout(ms).addEventListener('abort', () => done(), { once: true }));
}
