import type { Template } from '@berth/con-protocol';

/** What can be taken right now. Whoever watches the hosts provides this. */
export abstract class Shelf {
  /** Templates that are ready on some host that answers. */
  abstract ready(): Promise<Iterable<Template>>;
  /** Names that this customer uses already. */
  abstract namesOf(customerId: string): Promise<ReadonlySet<string>>;
}
