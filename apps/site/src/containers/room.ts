import { Shelf } from '../catalogue/shelf.js';
import { DemoMode } from '../customers/demo-mode.js';
import type { Room } from '../room.js';
import { Containers } from './containers.js';
import { ContainersController } from './containers.controller.js';
import { Details } from './details.js';
import { HostShelf } from './host-shelf.js';
import { Clients, Hosts, realClients } from './hosts.js';
import { Leases } from './leases.js';
import { Logins } from './logins.js';
import { Placing } from './placing.js';
import { TemplatesController } from './templates.controller.js';
import { Unpaid } from './unpaid.js';

export const containersRoom: Room = {
  controllers: [ContainersController, TemplatesController],
  providers: [
    Containers,
    Details,
    Hosts,
    Leases,
    Logins,
    Placing,
    Unpaid,
    { provide: Clients, useValue: realClients },
    {
      provide: DemoMode,
      inject: [Hosts],
      useFactory: (hosts: Hosts): DemoMode => ({ isOn: () => hosts.someAreFake() }),
    },
    { provide: Shelf, useClass: HostShelf },
  ],
};
