import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { BodyOf, Locale, Role } from '@berth/site-api';
import { DataSource, type EntityManager } from 'typeorm';
import { Passwords } from './passwords.js';
import { TrialCredit } from './trial-credit.js';

export type Customer = Readonly<{
  id: string;
  email: string;
  name: string;
  role: Role;
  locale: Locale;
  createdAt: Date;
}>;

type Row = Customer & { passwordHash: string };
type Newcomer = Omit<Row, 'createdAt'>;

const columns = 'id, email, name, role, locale, created_at as "createdAt"';

@Injectable()
export class Customers {
  constructor(
    private readonly db: DataSource,
    private readonly passwords: Passwords,
    private readonly trial: TrialCredit,
  ) {}

  /**
   * Signs up. Who watches learns nothing from it: where the address is known already, the same work is done for a
   * made-up one and taken back.
   */
  async signUp({ email, password, name, locale }: BodyOf<'customers.create'>): Promise<void> {
    const passwordHash = await this.passwords.hash(password);
    const newcomer: Newcomer = {
      id: randomUUID(),
      email: email.toLowerCase(),
      name,
      role: 'customer',
      locale,
      passwordHash,
    };
    const work = this.db.createQueryRunner();
    try {
      await work.startTransaction();
      const isNew = await add(work.manager, newcomer);
      if (!isNew) await add(work.manager, { ...newcomer, email: `${newcomer.id}@nobody.invalid` });
      await this.trial.grant(work.manager, newcomer.id);
      await (isNew ? work.commitTransaction() : work.rollbackTransaction());
    } catch (error) {
      if (work.isTransactionActive) await work.rollbackTransaction();
      throw error;
    } finally {
      await work.release();
    }
  }

  /** Who that is, or `undefined` for a wrong address and a wrong password alike, after the same time. */
  async recognise(email: string, password: string): Promise<Customer | undefined> {
    const [row]: Row[] = await this.db.query(
      `select ${columns}, password_hash as "passwordHash" from customer where email = $1`,
      [email.toLowerCase()],
    );
    return (await this.passwords.verify(row?.passwordHash, password)) ? row : undefined;
  }

  async changeLocale(id: string, locale: Locale): Promise<void> {
    await this.db.query('update customer set locale = $2 where id = $1', [id, locale]);
  }

  /** Newest first. */
  list(): Promise<Customer[]> {
    return this.db.query(`select ${columns} from customer order by created_at desc, id`);
  }

  async get(id: string): Promise<Customer | undefined> {
    const [row]: Customer[] = await this.db.query(`select ${columns} from customer where id = $1`, [id]);
    return row;
  }

  /** Makes an admin of an address; a new one gets a password, told to the caller once and stored nowhere. */
  async makeAdmin(email: string): Promise<{ password?: string }> {
    const address = email.toLowerCase();
    const password = randomBytes(15).toString('base64url');
    const passwordHash = await this.passwords.hash(password);
    const known = await this.db.transaction((db) => raise(db, address, passwordHash));
    if (known) return known === 'raised' ? { password } : {};
    const admin: Newcomer = {
      id: randomUUID(),
      email: address,
      name: 'Admin',
      role: 'admin',
      locale: 'en',
      passwordHash,
    };
    return (await add(this.db.manager, admin)) ? { password } : {};
  }
}

/**
 * Addresses are not verified, so that anybody may have signed up with this one: who becomes an admin gets a password that
 * only the operator sees, and whoever was signed in with the old one is out.
 */
async function raise(db: EntityManager, address: string, passwordHash: string): Promise<'raised' | 'was' | undefined> {
  const [known]: { id: string; role: string }[] = await db.query(
    'select id, role from customer where email = $1 for update',
    [address],
  );
  if (!known) return undefined;
  if (known.role === 'admin') return 'was';
  await db.query(`update customer set role = 'admin', password_hash = $2 where id = $1`, [known.id, passwordHash]);
  await db.query('delete from session where customer_id = $1', [known.id]);
  return 'raised';
}

async function add(db: EntityManager, { id, email, name, role, locale, passwordHash }: Newcomer): Promise<boolean> {
  const added: unknown[] = await db.query(
    `insert into customer (id, email, name, role, locale, password_hash) values ($1, $2, $3, $4, $5, $6)
     on conflict (email) do nothing returning id`,
    [id, email, name, role, locale, passwordHash],
  );
  return added.length > 0;
}
