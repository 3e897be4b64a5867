import { Component, computed, input } from '@angular/core';

const paths = {
  start: 'M7 5v14l12-7z',
  stop: 'M7 7h10v10H7z',
  trash: 'M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12M10.5 10.5v5M13.5 10.5v5',
  key: 'M12 8.5a3.5 3.5 0 1 1-7 0a3.5 3.5 0 1 1 7 0M11 11l8 8M16 16l2-2M13.5 13.5l1.5-1.5',
  add: 'M12 5v14M5 12h14',
  copy: 'M9 9h10v10H9zM15 9V5H5v10h4',
  close: 'M6 6l12 12M18 6L6 18',
  out: 'M14 5h5v5M19 5l-8 8M17 14v5H5V7h5',
  up: 'M7 14l5-5 5 5',
  down: 'M7 10l5 5 5-5',
  app: 'M5 5h6v6H5zM13 5h6v6h-6zM5 13h6v6H5zM13 13h6v6h-6z',
} as const;

export type IconName = keyof typeof paths;

/** Our own strokes, drawn in the text's colour. They never stand alone: the control beside them has the name. */
@Component({
  selector: 'berth-icon',
  template: `<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path [attr.d]="path()" /></svg>`,
})
export class Icon {
  readonly name = input.required<IconName>();
  protected readonly path = computed(() => paths[this.name()]);
}
