// SPDX-License-Identifier: MIT
// Which colour a series has. Eight colours that stay apart for people with protan, deutan and tritan sight (plots.css);
// what comes after them is "other", in grey: more colours than that cannot be told apart.

export const COLOURS = 8;
const OTHER = '\u0000rest';  // no name of a model or key

/** Gives each key one colour for as long as the page lives, so that a model looks the same in every plot and after every update. */
export class Colours {
  #given = new Map();

  /** Keys that have none get the free colours, in the order given. */
  give(keys) {
    for (const key of keys) {
      if (this.#given.size >= COLOURS) return;
      if (!this.#given.has(key)) this.#given.set(key, this.#given.size);
    }
  }

  has(key) {
    return this.#given.has(key);
  }

  /** The class of a key's colour. */
  of(key) {
    const index = this.#given.get(key);
    return index === undefined ? 'plot-other' : `plot-${index}`;
  }
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/**
 * The series that get a colour, largest first, then one that holds the rest: [{key, label, values, total, rest?}].
 * A key that has a colour already keeps its place among the named ones.
 */
export function foldSeries(series, colours, otherLabel = (count) => `${count} others`) {
  const all = series.map((one) => ({...one, total: sum(one.values)})).sort((a, b) => b.total - a.total);
  colours.give(all.map((one) => one.key));
  const named = all.filter((one) => colours.has(one.key));
  const rest = all.filter((one) => !colours.has(one.key));
  if (rest.length === 0) return named;
  if (rest.length === 1) return [...named, {...rest[0], rest: 1}];
  const values = rest[0].values.map((_, i) => sum(rest.map((one) => one.values[i])));
  return [...named, {key: OTHER, label: otherLabel(rest.length), values, total: sum(values), rest: rest.length}];
}
