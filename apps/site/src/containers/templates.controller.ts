import { Controller, Param } from '@nestjs/common';
import { Problem } from '@berth/problem';
import type { ReplyOf } from '@berth/site-api';
import { Serves } from '../http/serves.js';
import type { Host } from './host.js';
import { Hosts } from './hosts.js';

/** What a host builds, for those who keep it: read when it is looked at, and kept nowhere. */
@Controller()
export class TemplatesController {
  constructor(private readonly hosts: Hosts) {}

  @Serves('admin.templates')
  async list(@Param('host') host: string): Promise<ReplyOf<'admin.templates'>> {
    const { acts } = this.mustFind(host);
    const [{ templates }, { snapshots }] = await Promise.all([acts['templates.list']({}), acts['templates.tree']({})]);
    return { templates, snapshots };
  }

  @Serves('admin.template')
  get(
    @Param('host') host: string,
    @Param('name') name: string,
    @Param('version') version: string,
  ): Promise<ReplyOf<'admin.template'>> {
    return this.mustFind(host).acts['templates.get']({ name, version });
  }

  @Serves('admin.templateLog')
  log(
    @Param('host') host: string,
    @Param('name') name: string,
    @Param('version') version: string,
    @Param('line') line: string,
    @Param('offset') offset: string,
  ): Promise<ReplyOf<'admin.templateLog'>> {
    const place = { line: Number(whole(line)), offset: BigInt(whole(offset)) };
    return this.mustFind(host).acts['templates.log']({ name, version, ...place });
  }

  private mustFind(name: string): Host {
    const host = this.hosts.get(name);
    if (!host) throw new Problem('not_found', `cannot find host ${name}: it is not in the configuration`);
    return host;
  }
}

function whole(text: string): string {
  if (/^\d{1,9}$/.test(text)) return text;
  throw new Problem('not_found', `cannot find ${text} in a log: it is no whole number`);
}
