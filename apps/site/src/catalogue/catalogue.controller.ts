import { randomInt } from 'node:crypto';
import { Controller, Inject, Req } from '@nestjs/common';
import type { Catalogue } from '@berth/site-api';
import type { Request } from 'express';
import type { Config } from '../config.js';
import { callerOf } from '../http/gate.js';
import { Serves } from '../http/serves.js';
import { CONFIG } from '../http/tokens.js';
import { appsOf, sizesOf } from './catalogue.js';
import { besides } from '../pricing/quote.js';
import { suggestName } from './names.js';
import { Shelf } from './shelf.js';

@Controller()
export class CatalogueController {
  constructor(
    private readonly shelf: Shelf,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Serves('catalogue.get')
  async get(@Req() request: Request): Promise<Catalogue> {
    const { id } = callerOf(request);
    const { tariff, vat, currency } = this.config;
    const sizes = sizesOf(tariff, vat);
    const apps = appsOf(await this.shelf.ready(), sizes);
    const suggestedName = suggestName(apps[0]?.name ?? 'app', await this.shelf.namesOf(id), randomInt(1_000));
    const prices = { id: tariff.id, currency, besides: besides(tariff, vat) };
    return { apps, sizes, tariff: prices, suggestedName, mayGrow: this.shelf.mayGrow() };
  }
}
