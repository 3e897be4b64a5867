import { Problem } from '@berth/problem';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { Tariff, type Tariffs } from '../pricing/tariff.js';

/**
 * Every tariff that was ever offered, because samples and corrections outlive it. What stands under an id stays: a
 * customer agreed to it.
 */
export class TariffBook {
  private readonly known = new Map<string, Tariff>();

  constructor(readonly current: Tariff) {
    this.known.set(current.id, current);
  }

  get all(): Tariffs {
    return this.known;
  }

  /** @throws Problem `conflict` where the id stands for other prices already. */
  async open(db: EntityManager): Promise<void> {
    const body = JSON.stringify(z.encode(Tariff, this.current));
    await db.query('insert into tariff (id, body) values ($1, $2) on conflict do nothing', [this.current.id, body]);
    const rows: { id: string; body: string }[] = await db.query('select id, body from tariff');
    for (const row of rows) {
      if (row.id === this.current.id && row.body !== body) {
        throw new Problem('conflict', `cannot change the prices of tariff ${row.id}: give the new prices a new id`);
      }
      this.known.set(row.id, Tariff.parse(JSON.parse(row.body)));
    }
  }
}
