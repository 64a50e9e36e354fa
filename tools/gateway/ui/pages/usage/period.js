// SPDX-License-Identifier: MIT
// The periods after which limits are renewed: days, weeks from Monday and months of the ledger's time zone.
import {dayOf} from './days.js';

const DAY = 86_400_000;
const formats = new Map();

function formatOf(zone) {
  if (!formats.has(zone)) {
    const options = {year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'};
    let format;
    try {
      format = new Intl.DateTimeFormat('en-US', {...options, timeZone: zone || 'UTC'});
    } catch {
      format = new Intl.DateTimeFormat('en-US', {...options, timeZone: 'UTC'});  // a zone that this browser does not know
    }
    formats.set(zone, format);
  }
  return formats.get(zone);
}

/** What the clocks of the zone show at a time, as if it were UTC: ms. */
function wall(time, zone) {
  const part = Object.fromEntries(formatOf(zone).formatToParts(time).map(({type, value}) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
}

/** The day of a time in the zone: 2026-11-21. */
export const dayIn = (time, zone) => dayOf(wall(time, zone));

/** When a day begins in the zone, ms since 1970. */
function beginOf(day, zone) {
  const wanted = Date.parse(`${day}T00:00:00Z`);
  let time = wanted;
  for (let turn = 0; turn < 2; turn += 1) time -= wall(time, zone) - wanted;  // the second turn is for changes of the clock
  return time;
}

/** The period of `reset` ("daily", "weekly", "monthly") that a day is in: {first: its first day, next: the first day after it}. */
function periodOf(reset, day) {
  const at = Date.parse(`${day}T00:00:00Z`);
  const date = new Date(at);
  if (reset === 'monthly') return {first: `${day.slice(0, 8)}01`, next: dayOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1))};
  const first = reset === 'weekly' ? at - ((date.getUTCDay() + 6) % 7) * DAY : at;
  return {first: dayOf(first), next: dayOf(first + (reset === 'weekly' ? 7 : 1) * DAY)};
}

/** The earliest day that any period of `time` has. */
export function earliestDay(time, zone) {
  const day = dayIn(time, zone);
  return ['weekly', 'monthly'].map((reset) => periodOf(reset, day).first).sort()[0];
}

/** What a key has used of its limit and when that is renewed, from the account's usage by day: {used, renewed: ms or null}. */
export function budgetOf(key, days, time, zone) {
  if (!key.limit_reset) return {used: Number(key.usage), renewed: null};
  const {first, next} = periodOf(key.limit_reset, dayIn(time, zone));
  const used = days.filter((row) => row.key === key.hash && row.day >= first && row.day < next).reduce((sum, row) => sum + Number(row.cost), 0);
  return {used, renewed: beginOf(next, zone)};
}
