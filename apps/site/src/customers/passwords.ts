import { randomBytes } from 'node:crypto';
import { hash, verify, type Algorithm } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';

/** OWASP Password Storage: argon2id with 19 MiB, two passes, one lane. */
const cost = { algorithm: 2 as Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The only place that computes argon2id, so that a test can count. */
@Injectable()
export class Passwords {
  private decoy: Promise<string> | undefined;

  hash(password: string): Promise<string> {
    return hash(password, cost);
  }

  /** Works as long where there is no such person: against the hash of a password that nobody knows. */
  async verify(known: string | undefined, password: string): Promise<boolean> {
    this.decoy ??= hash(randomBytes(32), cost);
    const right = await this.matches(known ?? (await this.decoy), password);
    return known !== undefined && right;
  }

  /** Argon2id itself, by the parameters in the hash. */
  matches(passwordHash: string, password: string): Promise<boolean> {
    return verify(passwordHash, password);
  }
}
