// SPDX-License-Identifier: MIT
// Axes: round numbers from zero, and as many labels as have room.

const STEPS = [1, 2, 2.5, 5, 10];

/**
 * Ticks from 0 to at least `most`: {top, ticks}. About `count` steps, each 1, 2, 2.5 or 5 times a power of ten.
 * whole: only whole numbers (counts have no half).
 */
export function ticksTo(most, count = 4, whole = false) {
  const value = most > 0 && Number.isFinite(most) ? most : 1;
  const raw = value / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = power * STEPS.find((one) => one * power >= raw * (1 - 1e-9));
  if (whole) step = Math.max(1, Math.ceil(step));
  const steps = Math.max(1, Math.ceil(value / step - 1e-9));
  return {top: steps * step, ticks: Array.from({length: steps + 1}, (_, i) => i * step)};
}

/** Which of `count` labels to write so that each has `room` px of `width`: the newest (last) one is always among them. */
export function shownLabels(count, width, room) {
  const every = Math.max(1, Math.ceil((count * room) / Math.max(1, width)));
  return Array.from({length: count}, (_, i) => i).filter((i) => (count - 1 - i) % every === 0);
}

/** The width of a text of the axis in px, near enough to keep room for it. */
export const textWidth = (text) => 6.6 * text.length;
