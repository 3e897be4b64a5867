import { DataSource } from 'typeorm';
import { migrations } from './migrations.js';

/** One place that knows how site connects. Tables change by migrations alone; nothing is synchronised. */
export function dataSource(url: string, options: { poolSize?: number } = {}): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    entities: [],
    migrations: [...migrations],
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    synchronize: false,
    poolSize: options.poolSize ?? 10,
    extra: { application_name: 'berth-site', connectionTimeoutMillis: 5_000 },
  });
}
