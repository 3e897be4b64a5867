import type { Room } from '../room.js';
import { Customers } from './customers.js';
import { CustomersController } from './customers.controller.js';
import { LocalStrategy } from './local.strategy.js';
import { Passwords } from './passwords.js';
import { SessionController } from './session.controller.js';
import { Sessions } from './sessions.js';
import { Visits } from './visits.js';

export const customersRoom: Room = {
  controllers: [SessionController, CustomersController],
  providers: [Customers, LocalStrategy, Passwords, Sessions, Visits],
};
