/**
 * Days and months as the operator's customers live them; hours are UTC. A day has 23, 24 or 25 hours, so nothing here
 * adds a day's length to a moment: it asks the zone what its clocks show.
 */
export type Month = `${number}-${number}`;

const wallClocks = new Map<string, Intl.DateTimeFormat>();

function wallClock(zone: string): Intl.DateTimeFormat {
  const known = wallClocks.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  wallClocks.set(zone, made);
  return made;
}

type Wall = Readonly<{ year: number; month: number; day: number; asIfUtc: number }>;

function wallAt(at: Date, zone: string): Wall {
  const parts = new Map(
    wallClock(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  const [year, month, day] = [part('year'), part('month'), part('day')];
  return { year, month, day, asIfUtc: Date.UTC(year, month - 1, day, part('hour'), part('minute'), part('second')) };
}

/** The moment at which that day begins in the zone; `month` counts from 1, and 13 is the next January. */
function startOf(year: number, month: number, day: number, zone: string): Date {
  const wanted = Date.UTC(year, month - 1, day);
  const offsetAt = (time: number) => wallAt(new Date(time), zone).asIfUtc - time;
  const guess = wanted - offsetAt(wanted);
  return new Date(wanted - offsetAt(guess)); // the offset of the moment itself: the first one may lie past a change
}

export function startOfDay(at: Date, zone: string): Date {
  const { year, month, day } = wallAt(at, zone);
  return startOf(year, month, day, zone);
}

/** `2026-10`, as the zone's calendars show at that moment. */
export function monthAt(at: Date, zone: string): Month {
  const { year, month } = wallAt(at, zone);
  return nameOf(year, month);
}

export function yearAt(at: Date, zone: string): number {
  return wallAt(at, zone).year;
}

export function monthBefore(month: Month): Month {
  const { year, number } = parsed(month);
  return number === 1 ? nameOf(year - 1, 12) : nameOf(year, number - 1);
}

/** From the first moment of the month up to, and without, the first of the next. */
export function bounds(month: Month, zone: string): { from: Date; to: Date } {
  const { year, number } = parsed(month);
  return { from: startOf(year, number, 1, zone), to: startOf(year, number + 1, 1, zone) };
}

function nameOf(year: number, month: number): Month {
  return `${year}-${String(month).padStart(2, '0')}` as Month;
}

function parsed(month: Month): { year: number; number: number } {
  const [year = NaN, number = NaN] = month.split('-').map(Number);
  return { year, number };
}
