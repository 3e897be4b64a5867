import type { Room } from '../room.js';
import { HealthController } from './health.controller.js';
import { ProblemFilter } from './problem-filter.js';

export const httpRoom: Room = { controllers: [HealthController], providers: [ProblemFilter] };
