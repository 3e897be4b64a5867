import { Controller } from '@nestjs/common';
import type { ReplyOf } from '@berth/site-api';
import { DataSource } from 'typeorm';
import { version } from '../version.js';
import { Serves } from './serves.js';

@Controller()
export class HealthController {
  constructor(private readonly db: DataSource) {}

  /** The database is what site cannot do without; hosts are not asked. */
  @Serves('health.get')
  async get(): Promise<ReplyOf<'health.get'>> {
    await this.db.query('select 1');
    return { status: 'ok', version };
  }
}
