import { describe, expect, it } from '@jest/globals';
import { bounds, monthAt, monthBefore, startOfDay } from './calendar.js';

const berlin = 'Europe/Berlin';
const hours = ({ from, to }: { from: Date; to: Date }) => (to.getTime() - from.getTime()) / 3_600_000;

describe('the calendar of Europe/Berlin', () => {
  it.each([
    ['2026-03-29', 23],
    ['2026-03-30', 24],
    ['2026-10-25', 25],
    ['2026-10-26', 24],
  ])('gives %s %i hours', (day, length) => {
    const from = startOfDay(new Date(`${day}T12:00:00Z`), berlin);
    const next = startOfDay(new Date(from.getTime() + 30 * 3_600_000), berlin);
    expect(hours({ from, to: next })).toBe(length);
  });

  it('begins a day at local midnight, whatever the moment within it', () => {
    expect(startOfDay(new Date('2026-10-25T23:30:00Z'), berlin).toISOString()).toBe('2026-10-25T23:00:00.000Z');
    expect(startOfDay(new Date('2026-10-25T22:59:59Z'), berlin).toISOString()).toBe('2026-10-24T22:00:00.000Z');
    expect(startOfDay(new Date('2026-10-25T01:30:00Z'), berlin).toISOString()).toBe('2026-10-24T22:00:00.000Z');
  });

  it('cuts months at local midnight: March is an hour short, October an hour long', () => {
    expect(bounds('2026-03', berlin).from.toISOString()).toBe('2026-02-28T23:00:00.000Z');
    expect(bounds('2026-03', berlin).to.toISOString()).toBe('2026-03-31T22:00:00.000Z');
    expect(hours(bounds('2026-03', berlin))).toBe(31 * 24 - 1);
    expect(hours(bounds('2026-10', berlin))).toBe(31 * 24 + 1);
    expect(bounds('2026-12', berlin).to.toISOString()).toBe('2026-12-31T23:00:00.000Z');
  });

  it('leaves no moment between two months', () => {
    for (
      let month = '2027-12' as const as ReturnType<typeof monthBefore>, n = 0;
      n < 24;
      n++, month = monthBefore(month)
    ) {
      expect(bounds(monthBefore(month), berlin).to).toEqual(bounds(month, berlin).from);
    }
  });

  it('knows the month of the last hour of a year', () => {
    expect(monthAt(new Date('2026-12-31T22:59:59Z'), berlin)).toBe('2026-12');
    expect(monthAt(new Date('2026-12-31T23:00:00Z'), berlin)).toBe('2027-01');
    expect(monthBefore('2027-01')).toBe('2026-12');
  });
});

it('a day in Auckland begins by the clock before its change, though that of UTC has passed the change by then', () => {
  const from = startOfDay(new Date('2026-09-26T20:00:00Z'), 'Pacific/Auckland');
  expect(from.toISOString()).toBe('2026-09-26T12:00:00.000Z');
  expect(startOfDay(new Date('2026-09-27T12:00:00Z'), 'Pacific/Auckland').toISOString()).toBe(
    '2026-09-27T11:00:00.000Z',
  );
});
