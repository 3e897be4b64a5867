import { existsSync, readFileSync } from 'node:fs';
import { canInstall, hostPackages, missingPackages } from './host-packages.ts';

/** Whether this host can run real containers, and if not, the reason that `npm start` prints. */
export async function driverHere(): Promise<{ driver: 'linux' } | { driver: 'fake'; because: string }> {
  if (process.env['BERTH_DRIVER'] === 'fake') return { driver: 'fake', because: 'BERTH_DRIVER=fake asks for it' };
  if (process.platform !== 'linux') return { driver: 'fake', because: 'real containers need Linux' };
  if (process.getuid?.() !== 0) return { driver: 'fake', because: 'real containers need root' };
  if (!/\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8')) && !existsSync('/sys/module/overlay')) {
    return { driver: 'fake', because: 'this kernel has no overlayfs' };
  }
  if (!existsSync('/dev/loop-control') && !existsSync('/sys/module/loop')) {
    return { driver: 'fake', because: 'this kernel shows no loop devices' };
  }
  const missing = await missingPackages(hostPackages);
  if (missing.length > 0 && !canInstall())
    return { driver: 'fake', because: `${missing.join(', ')} cannot be installed here` };
  return { driver: 'linux' };
}
