/** Something that site does by itself, again and again. Running it twice, or not at all for a while, harms nothing. */
export type Job = Readonly<{
  name: string;
  /** From the end of one run to the beginning of the next. */
  everyMs: number;
  /** The signal says that site stops: finish or give up, but leave nothing half done. */
  run(signal: AbortSignal): Promise<unknown>;
}>;
