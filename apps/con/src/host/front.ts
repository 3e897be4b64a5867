/** A name that leads to a port of a container. */
export type Facing = Readonly<{ host: string; address: string; port: number }>;

/** What answers for names below one domain, and for domains of the containers' own, with TLS; it outlives con. */
export interface Front {
  /** Names of containers lie below it. */
  readonly domain: string;
  /** Why no name answers, and what helps; absent where they do. */
  readonly lacks: string | undefined;
  /** What a browser is to open for a name. */
  url(host: string): string;
  /** Makes it answer for exactly these. The same again changes nothing. @throws Problem `unavailable` */
  show(all: readonly Facing[]): Promise<void>;
  /** To be asked every few seconds: makes it answer again where it has ended. Answers whether it had. */
  hold(): Promise<boolean>;
}
