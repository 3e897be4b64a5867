import type { Room } from '../room.js';
import { Audit } from './audit.js';

export const auditRoom: Room = { controllers: [], providers: [Audit] };
