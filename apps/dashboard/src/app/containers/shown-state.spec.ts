import { can } from '@berth/container';
import { describe, expect, it } from 'vitest';
import { container } from '../testing.js';
import { shownState, whyNot } from './shown-state.js';

const sure = { isGone: false, staleSince: undefined, asked: undefined };

describe('what a row says', () => {
  it('is unknown, since the last answer, when the list is stale, whatever it said before', () => {
    const stale = { ...sure, staleSince: '2026-01-01T00:00:05Z' };
    expect(shownState(container('shop'), stale)).toEqual({
      state: 'unknown',
      colour: 'unknown',
      since: stale.staleSince,
    });
  });

  it('is never on while a start is only asked for', () => {
    const { state, colour } = shownState(container('shop', { state: 'stopped' }), { ...sure, asked: 'start' });
    expect([state, colour]).toEqual(['starting', 'moving']);
  });
});

describe('a button', () => {
  it('can be used exactly when the server would take it', () => {
    for (const state of ['creating', 'stopped', 'running', 'trashed', 'failed'] as const)
      for (const action of ['start', 'stop', 'trash', 'restore'] as const)
        expect(whyNot(action, container('shop', { state }), sure) === undefined).toBe(can(action, state).allowed);
  });

  it('says why not', () => {
    expect(whyNot('start', container('shop'), sure)).toBe('why.running');
    expect(whyNot('stop', container('shop', { state: 'unknown' }), sure)).toBe('why.unknown');
    expect(whyNot('stop', container('shop'), { ...sure, asked: 'stop' })).toBe('why.asked');
  });
});
