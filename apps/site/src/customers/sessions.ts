import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../config.js';
import type { Caller, Visit } from '../http/caller.js';
import { CONFIG } from '../http/tokens.js';
import { DataSource } from 'typeorm';

/**
 * Visits. The id is 256 random bits in a cookie; the database holds its hash alone, and only for who is signed in, so
 * that visitors cannot fill a table. The CSRF token is made from the id: it is bound to the visit and stored nowhere.
 */
@Injectable()
export class Sessions {
  constructor(
    private readonly db: DataSource,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** A fresh id is never one that a visitor sent: nobody can prepare a visit for somebody else. */
  begin(caller?: Caller): Visit {
    return visitOf(randomBytes(32).toString('base64url'), caller);
  }

  async find(sessionId: string): Promise<Visit> {
    const [caller]: Caller[] = await this.db.query(
      `select c.id, c.email, c.name, c.role, c.locale
         from session s join customer c on c.id = s.customer_id
        where s.id_hash = $1 and s.seen_at > now() - make_interval(secs => $2) and s.created_at > now() - make_interval(secs => $3)`,
      [hashed(sessionId), this.config.sessionIdleSeconds, this.config.sessionSeconds],
    );
    if (caller) await this.touch(sessionId);
    return visitOf(sessionId, caller);
  }

  /** Signs in under a new id; the visit before it ends, whoever's it was. */
  async signIn(before: Visit | undefined, caller: Caller): Promise<Visit> {
    if (before) await this.signOut(before);
    const visit = this.begin(caller);
    await this.db.query('insert into session (id_hash, customer_id) values ($1, $2)', [
      hashed(visit.sessionId),
      caller.id,
    ]);
    await this.db.query(
      `delete from session where customer_id = $1
          and (seen_at < now() - make_interval(secs => $2) or created_at < now() - make_interval(secs => $3))`,
      [caller.id, this.config.sessionIdleSeconds, this.config.sessionSeconds],
    );
    return visit;
  }

  async signOut({ sessionId }: Visit): Promise<void> {
    await this.db.query('delete from session where id_hash = $1', [hashed(sessionId)]);
  }

  /** Once in a quarter of the idle time is exact enough, and polling does not write at every tick. */
  private async touch(sessionId: string): Promise<void> {
    await this.db.query(
      'update session set seen_at = now() where id_hash = $1 and seen_at < now() - make_interval(secs => $2)',
      [hashed(sessionId), Math.min(60, this.config.sessionIdleSeconds / 4)],
    );
  }
}

function visitOf(sessionId: string, caller?: Caller): Visit {
  const csrfToken = createHash('sha256').update(`csrf\0${sessionId}`).digest('base64url');
  return caller ? { sessionId, csrfToken, caller } : { sessionId, csrfToken };
}

function hashed(sessionId: string): Buffer {
  return createHash('sha256').update(sessionId).digest();
}
