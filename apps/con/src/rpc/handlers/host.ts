import { protocolVersion, type ConHandlers } from '@berth/con-protocol';
import type { Containers } from '../../containers/containers.js';
import type { Records } from '../../containers/records.js';
import { ailments } from '../../host/health.js';
import type { Host, Warning } from '../../host/host.js';

type Needs = Readonly<{
  host: Host;
  records: Records;
  containers: Pick<Containers, 'rebuild' | 'doctor'>;
  instance: string;
  version: string;
  /** Of the key that answers beyond loopback. */
  pin: string | undefined;
  warnings: () => Warning[];
  now: () => Date;
}>;

export function hostHandlers({
  host,
  records,
  containers,
  instance,
  version,
  pin,
  warnings,
  now,
}: Needs): Pick<ConHandlers, 'host.info' | 'host.recover' | 'host.doctor'> {
  return {
    'host.recover': async ({ dryRun = false }) => {
      const { recovered, left } = await containers.rebuild.recover({ dryRun });
      return { recovered: [...recovered], left: [...left] };
    },
    'host.doctor': async ({ mend = false, yes = false }) => {
      const { findings, held } = await containers.doctor.look({ mend, yes });
      return { findings: [...findings], held };
    },
    'host.info': async () => {
      const { bytes: diskBytes, freeBytes: diskFreeBytes } = await host.layers.space();
      const health = await host.health();
      return {
        protocol: protocolVersion,
        version,
        instance,
        driver: host.driver,
        now: now().toISOString(),
        ...host.facts(),
        diskBytes,
        diskFreeBytes,
        containers: records.size,
        running: [...records.all()].filter(({ state }) => state === 'running' || state === 'frozen').length,
        appsHost: host.net.appsHost,
        ...(host.front ? { appsDomain: host.front.domain } : {}),
        ...(pin === undefined ? {} : { pin }),
        health,
        warnings: [...ailments(health), ...warnings()],
      };
    },
  };
}
