import { Body, Controller, Headers, Inject, Param, Req } from '@nestjs/common';
import type { BodyOf, Container, ContainerDetail, ContainerList, ContainerSnapshot, Login } from '@berth/site-api';
import type { Request } from 'express';
import type { Config } from '../config.js';
import { callerOf } from '../http/gate.js';
import { readKey } from '../http/idempotency-key.js';
import { Serves } from '../http/serves.js';
import { CONFIG } from '../http/tokens.js';
import { Containers } from './containers.js';
import { Details } from './details.js';

@Controller()
export class ContainersController {
  constructor(
    private readonly containers: Containers,
    private readonly details: Details,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Serves('containers.list')
  async list(@Req() request: Request): Promise<ContainerList> {
    const { id } = callerOf(request);
    const [containers, mayStart] = await Promise.all([this.containers.list(id), this.containers.mayStart(id)]);
    return { containers, mayStart, now: new Date().toISOString(), currency: this.config.currency };
  }

  @Serves('containers.create')
  create(
    @Req() request: Request,
    @Body() body: BodyOf<'containers.create'>,
    @Headers('idempotency-key') key?: string,
  ): Promise<Container> {
    return this.containers.create(callerOf(request).id, body, readKey(key));
  }

  @Serves('containers.get')
  get(@Req() request: Request, @Param('id') id: string): Promise<Container> {
    return this.containers.get(callerOf(request).id, id);
  }

  @Serves('containers.start')
  start(@Req() request: Request, @Param('id') id: string): Promise<Container> {
    return this.containers.start(callerOf(request).id, id);
  }

  @Serves('containers.stop')
  stop(@Req() request: Request, @Param('id') id: string): Promise<Container> {
    return this.containers.stop(callerOf(request).id, id);
  }

  @Serves('containers.restart')
  restart(@Req() request: Request, @Param('id') id: string): Promise<Container> {
    return this.containers.change(callerOf(request).id, id, 'restart');
  }

  @Serves('containers.kill')
  kill(@Req() request: Request, @Param('id') id: string): Promise<Container> {
    return this.containers.change(callerOf(request).id, id, 'kill');
  }

  @Serves('containers.freeze')
  freeze(@Req() request: Request, @Param('id') id: string): Promise<Container> {
    return this.containers.change(callerOf(request).id, id, 'freeze');
  }

  @Serves('containers.thaw')
  thaw(@Req() request: Request, @Param('id') id: string): Promise<Container> {
    return this.containers.change(callerOf(request).id, id, 'thaw');
  }

  @Serves('containers.detail')
  detail(@Req() request: Request, @Param('id') id: string): Promise<ContainerDetail> {
    return this.details.get(callerOf(request).id, id);
  }

  @Serves('containers.rename')
  rename(
    @Req() request: Request,
    @Param('id') id: string,
    @Body() { name }: BodyOf<'containers.rename'>,
  ): Promise<Container> {
    return this.containers.rename(callerOf(request).id, id, name);
  }

  @Serves('containers.snapshot')
  snapshot(
    @Req() request: Request,
    @Param('id') id: string,
    @Body() { name }: BodyOf<'containers.snapshot'>,
    @Headers('idempotency-key') key?: string,
  ): Promise<ContainerSnapshot> {
    return this.details.snapshot(callerOf(request).id, id, name, readKey(key));
  }

  @Serves('containers.restoreSnapshot')
  restoreSnapshot(
    @Req() request: Request,
    @Param('id') id: string,
    @Param('snapshot') snapshot: string,
  ): Promise<Container> {
    return this.details.restore(callerOf(request).id, id, snapshot);
  }

  @Serves('containers.removeSnapshot')
  async removeSnapshot(
    @Req() request: Request,
    @Param('id') id: string,
    @Param('snapshot') snapshot: string,
  ): Promise<object> {
    await this.details.remove(callerOf(request).id, id, snapshot);
    return {};
  }

  @Serves('containers.trash')
  trash(@Req() request: Request, @Param('id') id: string): Promise<Container> {
    return this.containers.trash(callerOf(request).id, id);
  }

  @Serves('containers.restore')
  restore(@Req() request: Request, @Param('id') id: string): Promise<Container> {
    return this.containers.restore(callerOf(request).id, id);
  }

  @Serves('containers.login')
  login(@Req() request: Request, @Param('id') id: string): Promise<Login> {
    return this.containers.login(callerOf(request).id, id);
  }

  @Serves('containers.forgetLogin')
  async forgetLogin(@Req() request: Request, @Param('id') id: string): Promise<object> {
    await this.containers.forgetLogin(callerOf(request).id, id);
    return {};
  }
}
