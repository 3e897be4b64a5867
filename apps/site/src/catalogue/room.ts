import type { Room } from '../room.js';
import { CatalogueController } from './catalogue.controller.js';

export const catalogueRoom: Room = { controllers: [CatalogueController], providers: [] };
