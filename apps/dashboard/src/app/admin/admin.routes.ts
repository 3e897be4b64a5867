import type { Routes } from '@angular/router';
import type { Key } from '../ui/language.js';
import { AdminPage } from './admin.page.js';
import { CustomersPage } from './customers.page.js';
import { HostsPage } from './hosts.page.js';
import { AdminInvoicesPage } from './invoices.page.js';

const titled = (title: Key): { title: Key } => ({ title });

export const adminRoutes: Routes = [
  {
    path: '',
    component: AdminPage,
    children: [
      { path: '', pathMatch: 'full', redirectTo: 'customers' },
      { path: 'customers', ...titled('admin.customers'), component: CustomersPage },
      { path: 'invoices', ...titled('admin.invoices'), component: AdminInvoicesPage },
      {
        path: 'templates',
        ...titled('admin.templates'),
        loadComponent: async () => (await import('../templates/templates.page.js')).TemplatesPage,
      },
      { path: 'hosts', ...titled('admin.hosts'), component: HostsPage },
    ],
  },
];
