import type { Template } from '@berth/con-protocol';

/** What can be taken right now. Whoever watches the hosts provides this. */
export abstract class Shelf {
  /** Templates that are ready on some host that answers. */
  abstract ready(): Promise<Iterable<Template>>;
  /** Whether a host is silent or builds, so that more may be ready than is known. */
  abstract mayGrow(): boolean;
  /** Names that this customer uses already. */
  abstract namesOf(customerId: string): Promise<ReadonlySet<string>>;
}
