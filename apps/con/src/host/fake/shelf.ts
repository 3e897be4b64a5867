import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a kernel would remember for a daemon that was killed: small JSON files, one a thing, by number. */
export class Shelf<T> {
  private readonly held = new Map<number, T>();

  constructor(private readonly directory: string) {
    mkdirSync(directory, { recursive: true });
    for (const name of readdirSync(directory)) {
      this.held.set(Number(name), JSON.parse(readFileSync(join(directory, name), 'utf8')) as T);
    }
  }

  get(number: number): T | undefined {
    return this.held.get(number);
  }

  put(number: number, thing: T): void {
    writeFileSync(join(this.directory, `${number}`), JSON.stringify(thing));
    this.held.set(number, thing);
  }

  take(number: number): void {
    const path = join(this.directory, `${number}`);
    if (existsSync(path)) rmSync(path);
    this.held.delete(number);
  }

  numbers(): number[] {
    return [...this.held.keys()];
  }
}
