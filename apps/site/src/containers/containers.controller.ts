import { Body, Controller, Headers, Inject, Param, Req } from '@nestjs/common';
import type { BodyOf, Container, ContainerList, Login } from '@berth/site-api';
import type { Request } from 'express';
import type { Config } from '../config.js';
import { callerOf } from '../http/gate.js';
import { readKey } from '../http/idempotency-key.js';
import { Serves } from '../http/serves.js';
import { CONFIG } from '../http/tokens.js';
import { Containers } from './containers.js';

@Controller()
export class ContainersController {
  constructor(
    private readonly containers: Containers,
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
