import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

export type Act = Readonly<{
  /** The customer's id, or `visitor`. */
  actor: string;
  /** The route's name: `containers.start`. */
  act: string;
  /** The path that was acted on. */
  target: string;
  /** `done`, or the code of the Problem. */
  outcome: string;
  requestId: string;
  address: string;
}>;

/** What happened and who did it. Rows are added and read; the database grants nothing else. */
@Injectable()
export class Audit {
  constructor(private readonly db: DataSource) {}

  async add({ actor, act, target, outcome, requestId, address }: Act): Promise<void> {
    await this.db.query(
      'insert into audit_event (actor, act, target, outcome, request_id, address) values ($1, $2, $3, $4, $5, $6)',
      [actor, act, target, outcome, requestId, address],
    );
  }
}
