import type { Chain, Layer } from '../host/layers.js';

/** What containers need to know of a finished template. */
export type ReadyTemplate = Readonly<{
  name: string;
  version: string;
  /** The snapshot it stands on; pinned by every container made from it, so that a rebuild changes no container. */
  snapshot: string;
  chain: Chain;
  ports: readonly number[];
  environment: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
}>;

export type Snapshotted = Readonly<{ chain: Layer[]; surroundings: Record<string, unknown> }>;

/** The one thing containers ask of templates. */
export interface TemplateSource {
  /** @throws Problem `not_found`, or `conflict` where no build of it became ready yet. */
  ready(name: string, version: string): ReadyTemplate;
  /** Of a snapshot that some container stands on, whatever its template is called now. */
  chainOf(snapshot: string): Chain;
  /** All its layers together; 0 of one that is not known. */
  sizeOf(snapshot: string): bigint;
  /** What is needed to make a snapshot known again, should its records be lost. */
  carriedBy(snapshot: string): Snapshotted;
  /** Makes layers that are on the disk known again as a snapshot, for those that stand on them. Known already is success. */
  adopt(snapshotted: Snapshotted): string;
}
