import { Controller, Headers, Inject, Param, Req } from '@nestjs/common';
import type { ReplyOf } from '@berth/site-api';
import type { Request } from 'express';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Problem } from '@berth/problem';
import { Customers } from '../customers/customers.js';
import { callerOf } from '../http/gate.js';
import { readKey } from '../http/idempotency-key.js';
import { Serves } from '../http/serves.js';
import { LOG } from '../http/tokens.js';
import { Collection } from '../metering/journals.js';
import { Archive } from './archive.js';
import { Invoicing } from './invoicing.js';

@Controller()
export class AdminInvoicesController {
  constructor(
    private readonly db: DataSource,
    private readonly customers: Customers,
    private readonly collection: Collection,
    private readonly invoicing: Invoicing,
    private readonly archive: Archive,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  @Serves('admin.invoices')
  async list(): Promise<ReplyOf<'admin.invoices'>> {
    return { items: await this.archive.list() };
  }

  /** Hosts are asked first, so that the invoice reaches up to the click; a silent one's use comes on the next. */
  @Serves('admin.issueInvoice')
  async issue(
    @Param('id') customerId: string,
    @Req() request: Request,
    @Headers('idempotency-key') sent?: string,
  ): Promise<ReplyOf<'admin.issueInvoice'>> {
    const key = readKey(sent);
    if (!(await this.customers.get(customerId))) {
      throw new Problem('not_found', 'cannot invoice: there is no such customer');
    }
    const silent = await this.collection.upToNow(await this.hostsOf(customerId));
    if (silent.length > 0) this.log.warn({ customerId, silent }, 'an invoice goes out without what silent hosts know');
    const { id: by } = callerOf(request);
    const number = await this.db.transaction((db) => this.invoicing.issueUpToNow(db, customerId, by, { key }));
    const invoice = number === undefined ? undefined : await this.archive.get(number);
    return invoice ? { invoice } : {};
  }

  private async hostsOf(customerId: string): Promise<string[]> {
    const rows: { host: string }[] = await this.db.query('select distinct host from lease where customer_id = $1', [
      customerId,
    ]);
    return rows.map(({ host }) => host);
  }
}
