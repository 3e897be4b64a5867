import { Component, inject } from '@angular/core';
import { SiteClient } from '../site/site-client.js';
import { Language } from '../ui/language.js';
import { loaded } from '../ui/loaded.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { Skeleton } from '../ui/skeleton.js';

@Component({
  selector: 'berth-hosts',
  imports: [ProblemNote, Skeleton],
  template: `
    <h1 id="hosts-title">{{ t('admin.hosts') }}</h1>
    @if (hosts.value() && hosts.problem(); as problem) {
      <berth-problem-note [problem]="problem" />
    }
    @if (hosts.value(); as list) {
      <table class="plain" aria-labelledby="hosts-title">
        <thead>
          <tr>
            <th scope="col">{{ t('admin.host') }}</th>
            <th scope="col">{{ t('admin.state') }}</th>
            <th scope="col">{{ t('admin.driver') }}</th>
            <th scope="col" class="number">{{ t('admin.running') }}</th>
            <th scope="col" class="number">{{ t('admin.memoryFree') }}</th>
            <th scope="col" class="number">{{ t('admin.diskFree') }}</th>
            <th scope="col">{{ t('admin.seen') }}</th>
            <th scope="col">{{ t('admin.warnings') }}</th>
          </tr>
        </thead>
        <tbody>
          @for (it of list.items; track it.name) {
            <tr>
              <th scope="row">{{ it.name }}</th>
              <td [attr.data-label]="t('admin.state')">
                <span class="dot {{ it.state === 'answering' ? 'on' : 'unknown' }}" aria-hidden="true"></span>
                {{ t(it.state === 'answering' ? 'admin.answering' : 'admin.silent') }}
                @if (it.reason) {
                  <span class="small soft" lang="en">{{ it.reason }}</span>
                }
              </td>
              <td [attr.data-label]="t('admin.driver')">{{ it.driver }} {{ it.version }}</td>
              <td class="number" [attr.data-label]="t('admin.running')">
                {{ it.running ?? '–' }} / {{ it.containers ?? '–' }}
              </td>
              <td class="number" [attr.data-label]="t('admin.memoryFree')">
                {{ freeOf(it.memoryFreeBytes, it.memoryBytes) }}
              </td>
              <td class="number" [attr.data-label]="t('admin.diskFree')">
                {{ freeOf(it.diskFreeBytes, it.diskBytes) }}
              </td>
              <td [attr.data-label]="t('admin.seen')">
                {{ it.observedAt ? shown.dateTime(it.observedAt) : t('admin.never') }}
              </td>
              <td [attr.data-label]="t('admin.warnings')">
                @for (warning of it.warnings; track warning.what) {
                  <p class="small" lang="en">
                    <strong>{{ warning.what }}</strong> {{ warning.cure }}
                  </p>
                } @empty {
                  {{ t('admin.noWarnings') }}
                }
              </td>
            </tr>
          } @empty {
            <tr>
              <td colspan="8">{{ t('admin.noHosts') }}</td>
            </tr>
          }
        </tbody>
      </table>
    } @else if (hosts.problem(); as problem) {
      <berth-problem-note [problem]="problem" [canRetry]="true" (retry)="hosts.reload()" />
    } @else {
      <berth-skeleton />
    }
  `,
})
export class HostsPage {
  private readonly site = inject(SiteClient);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  protected readonly hosts = loaded(() => this.site.call('admin.hosts'), { everyMs: 2_000 });

  protected freeOf(free: bigint | undefined, all: bigint | undefined): string {
    if (free === undefined || all === undefined) return '–';
    return this.t('admin.freeOf', { free: this.shown.bytes(free), all: this.shown.bytes(all) });
  }
}
