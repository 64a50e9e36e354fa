// SPDX-License-Identifier: MIT
// Rows by day made into series.
import {day as dayText} from '../../lib/format.js';

const DAY = 86_400_000;

/** A time as 2026-11-21, in UTC. */
export const dayOf = (time) => new Date(time).toISOString().slice(0, 10);

const weekday = new Intl.DateTimeFormat('en-US', {weekday: 'short', month: 'short', day: 'numeric', timeZone: 'UTC'});

/** The last `count` days as x positions, the newest last: today, or the newest day of the rows where that is later. */
export function lastDays(count, today, rows) {
  const newest = rows.reduce((latest, row) => (row.day > latest ? row.day : latest), today);
  const end = Date.parse(`${newest}T00:00:00Z`);
  return Array.from({length: count}, (_, i) => {
    const at = end - (count - 1 - i) * DAY;
    const day = dayOf(at);
    return {day, label: dayText(day), title: weekday.format(at)};
  });
}

/** Rows summed up by `key(row)` into series over `days`; value(row) is what is counted. Unknown days are left out. */
export function seriesOf(rows, days, key, label, value) {
  const places = new Map(days.map((one, i) => [one.day, i]));
  const series = new Map();
  for (const row of rows) {
    const place = places.get(row.day);
    if (place === undefined) continue;
    const name = key(row);
    let one = series.get(name);
    if (!one) series.set(name, (one = {key: name, label: label(row), values: days.map(() => 0)}));
    one.values[place] += value(row);
  }
  return [...series.values()];
}

/** Rows summed up by `key(row)`: [{key, label, ...sums}], largest `by` first. */
export function totalsOf(rows, key, label, names, by) {
  const totals = new Map();
  for (const row of rows) {
    const name = key(row);
    let one = totals.get(name);
    if (!one) totals.set(name, (one = {key: name, label: label(row), ...Object.fromEntries(names.map((each) => [each, 0]))}));
    for (const each of names) one[each] += Number(row[each] ?? 0);
  }
  return [...totals.values()].sort((a, b) => by(b) - by(a));
}
