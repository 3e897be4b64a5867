import { TestBed } from '@angular/core/testing';
import { TranslocoService } from '@jsverse/transloco';
import { de } from '@berth/i18n';
import { describe, expect, it } from 'vitest';
import { SiteProblem } from '../site/site-problem.js';
import { FakeSite, providersOf } from '../testing.js';
import { Language } from './language.js';
import { ProblemNote } from './problem-note.js';

function shown(problem: SiteProblem): HTMLElement {
  TestBed.configureTestingModule({ providers: providersOf(new FakeSite()) });
  TestBed.inject(TranslocoService).setTranslation(de, 'de');
  TestBed.inject(Language).choose('de');
  const fixture = TestBed.createComponent(ProblemNote);
  fixture.componentRef.setInput('problem', problem);
  fixture.detectChanges();
  return fixture.nativeElement as HTMLElement;
}

describe('a refusal on a German page', () => {
  it('is told in German, with what it is about', () => {
    const problem = new SiteProblem('conflict', 'cannot add blog', { kind: 'name-taken', blanks: { name: 'blog' } });
    const text = shown(problem).textContent;
    expect(text).toContain('Das geht gerade nicht.');
    expect(text).toContain('Sie haben schon einen Container namens blog');
    expect(text).not.toContain('cannot');
  });

  it("keeps a host's own words, marked as English for those who hear the page", () => {
    const note = shown(new SiteProblem('conflict', 'cannot start blog: it is stopping'));
    expect(note.querySelector('[lang=en]')?.textContent).toBe('cannot start blog: it is stopping');
  });
});
