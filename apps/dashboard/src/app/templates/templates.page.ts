import { Component, computed, inject, signal } from '@angular/core';
import type { Snapshot } from '@berth/site-api';
import { SiteClient } from '../site/site-client.js';
import { Language } from '../ui/language.js';
import { loaded } from '../ui/loaded.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { Skeleton } from '../ui/skeleton.js';
import { railsOf } from './rails.js';
import { TemplatePanel } from './template-panel.js';
import { TreeRails } from './tree-rails.js';

/** The templates of a host as the tree of snapshots they are, a node a line. */
@Component({
  selector: 'berth-templates',
  imports: [ProblemNote, Skeleton, TemplatePanel, TreeRails],
  templateUrl: './templates.page.html',
})
export class TemplatesPage {
  private readonly site = inject(SiteClient);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  protected readonly chosenHost = signal<string | undefined>(undefined);
  protected readonly chosen = signal<string | undefined>(undefined);
  protected readonly hosts = loaded(() => this.site.call('admin.hosts'));
  protected readonly host = computed(() => this.chosenHost() ?? this.hosts.value()?.items[0]?.name);
  protected readonly read = loaded(
    async () => {
      const host = this.host();
      return host === undefined ? undefined : this.site.call('admin.templates', { params: { host } });
    },
    { everyMs: 2_000 },
  );
  protected readonly rows = computed(() => railsOf(this.read.value()?.snapshots ?? []));
  protected readonly rails = computed(() =>
    Math.max(
      1,
      ...this.rows().flatMap(({ rail, passing, leaving }) => [rail, ...passing, ...leaving].map((one) => one + 1)),
    ),
  );
  /** Being built or failed: nothing in the tree ends with their name. */
  protected readonly unfinished = computed(
    () => this.read.value()?.templates.filter(({ state }) => state !== 'ready') ?? [],
  );

  protected use(host: string): void {
    this.chosenHost.set(host);
    this.chosen.set(undefined);
    void this.read.reload();
  }

  /** All that the picture says, for those who do not see it. */
  protected spoken({ text, containers, sizeBytes, milliseconds }: Snapshot): string {
    const stands = containers > 0 ? `, ${this.t('templates.stand', { count: containers })}` : '';
    return `${text}, ${this.shown.bytes(sizeBytes)}, ${this.shown.seconds(milliseconds)}${stands}`;
  }
}
