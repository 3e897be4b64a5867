import { effect, inject, Injectable, untracked } from '@angular/core';
import { Language } from '../ui/language.js';
import { Messages } from '../ui/messages.js';
import { ContainerStore } from './container-store.js';

const mostAtOnce = 3;

/** Speaks changes of state, and only those: never a tick, and never a flood. */
@Injectable()
export class StateNews {
  private readonly store = inject(ContainerStore);
  private readonly messages = inject(Messages);
  private readonly t = inject(Language).t;
  private known: ReadonlyMap<string, string> | undefined;

  constructor() {
    effect(() => {
      const containers = this.store.containers();
      if (containers) untracked(() => this.compare(containers));
    });
  }

  private compare(containers: NonNullable<ReturnType<ContainerStore['containers']>>): void {
    const before = this.known;
    this.known = new Map(containers.map(({ id, state }) => [id, state]));
    const changed = before ? containers.filter(({ id, state }) => before.has(id) && before.get(id) !== state) : [];
    if (changed.length === 0) return;
    const sentences = changed
      .slice(0, mostAtOnce)
      .map(({ name, state }) => this.t('state.changed', { name, state: this.t(`state.${state}`) }));
    this.messages.say(sentences.join('. '));
  }
}
