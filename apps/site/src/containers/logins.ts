import { Injectable } from '@nestjs/common';
import { Problem } from '@berth/problem';
import { runStream, type Ran } from './exec-stream.js';
import type { Host } from './host.js';
import { loginIn, type AppLogin } from './login-file.js';

const file = '/var/lib/berth/login';
const bounds = { most: 4096, timeoutMs: 5_000 };

/** The login that an app's first boot wrote: read inside the container, passed on, and kept nowhere. */
@Injectable()
export class Logins {
  /** @throws Problem `conflict` while it is not there yet. */
  async read(host: Host, id: string): Promise<AppLogin> {
    const { exitCode, output } = await this.run(host, id, ['head', '-c', String(bounds.most), file]);
    const login = exitCode === 0 ? loginIn(output.toString('utf8')) : undefined;
    if (!login)
      throw new Problem('conflict', 'cannot show the login: the app has not written it yet; try again in a moment', {
        kind: 'login-pending',
      });
    return login;
  }

  async remove(host: Host, id: string): Promise<void> {
    const { exitCode } = await this.run(host, id, ['rm', '-f', '--', file]);
    if (exitCode !== 0)
      throw new Problem('unavailable', 'cannot put the login away: its file could not be removed', {
        kind: 'login-unread',
      });
  }

  private async run(host: Host, id: string, argv: string[]): Promise<Ran> {
    const { stream } = await host.acts['containers.exec']({ id, argv, timeoutMs: bounds.timeoutMs });
    return runStream(host.endpoint, stream, bounds);
  }
}
