import { Controller, Param, Req, StreamableFile } from '@nestjs/common';
import { Problem } from '@berth/problem';
import type { ReplyOf } from '@berth/site-api';
import type { Request } from 'express';
import { callerOf } from '../http/gate.js';
import { Serves } from '../http/serves.js';
import { Archive } from './archive.js';

@Controller()
export class InvoicesController {
  constructor(private readonly archive: Archive) {}

  @Serves('invoices.list')
  async list(@Req() request: Request): Promise<ReplyOf<'invoices.list'>> {
    return { items: await this.archive.list(callerOf(request).id) };
  }

  @Serves('invoices.get')
  async get(@Param('number') number: string, @Req() request: Request): Promise<ReplyOf<'invoices.get'>> {
    return found(await this.archive.get(number, ownOnly(request)));
  }

  @Serves('invoices.pdf')
  async pdf(@Param('number') number: string, @Req() request: Request): Promise<StreamableFile> {
    const bytes = found(await this.archive.pdf(number, ownOnly(request)));
    return new StreamableFile(bytes, {
      type: 'application/pdf',
      length: bytes.length,
      disposition: `inline; filename="${number}.pdf"`,
    });
  }
}

/** An admin sees every invoice; everybody else their own, and of others not even that they exist. */
function ownOnly(request: Request): string | undefined {
  const { id, role } = callerOf(request);
  return role === 'admin' ? undefined : id;
}

function found<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Problem('not_found', 'cannot find this invoice: look it up in the list');
  return thing;
}
