import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import type { RailRow } from './rails.js';

const step = 14;
const height = 32;
const x = (rail: number): number => step * rail + step / 2;

/** The rails beside one line of the tree. The words of the line say the same to those who do not see it. */
@Component({
  selector: 'berth-tree-rails',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <svg
      [attr.width]="width()"
      [attr.height]="height"
      [attr.viewBox]="'0 0 ' + width() + ' ' + height"
      aria-hidden="true"
      focusable="false"
    >
      <path [attr.d]="lines()" />
      <circle [attr.cx]="dot()" [attr.cy]="height / 2" [attr.r]="row().snapshot.templates.length > 0 ? 5 : 3.5" />
    </svg>
  `,
})
export class TreeRails {
  readonly row = input.required<RailRow>();
  /** How many there are in the whole picture, so that all lines begin at one place. */
  readonly rails = input.required<number>();
  protected readonly height = height;
  protected readonly width = computed(() => step * this.rails());
  protected readonly dot = computed(() => x(this.row().rail));
  protected readonly lines = computed(() => {
    const { rail, hasParent, hasChild, passing, leaving } = this.row();
    const middle = height / 2;
    const own = `M${x(rail)} ${hasParent ? 0 : middle}V${hasChild ? height : middle}`;
    const past = passing.map((one) => `M${x(one)} 0V${height}`);
    const away = leaving.map(
      (one) => `M${x(rail)} ${middle}H${x(one) - 6}Q${x(one)} ${middle} ${x(one)} ${middle + 6}V${height}`,
    );
    return [own, ...past, ...away].join('');
  });
}
