// SPDX-License-Identifier: MIT
// Requests by minute, kept up to date by the server's events between two answers of activity.recent.

const MINUTE = 60_000;

export class ActivityBook {
  #credentials = new Map();
  #models = new Map();

  /** The start of the first minute, ms since 1970. */
  from = 0;
  minutes;

  constructor(minutes) {
    this.minutes = minutes;
  }

  /** Takes an answer of activity.recent. */
  load(answer) {
    this.from = Date.parse(answer.from);
    this.minutes = answer.minutes;
    this.#credentials = new Map(answer.credentials.map((one) => [one.id, {...one, profileId: one.profileId || one.id.slice(0, 12)}]));
    this.#models = new Map(answer.models.map((one) => [one.model, {...one}]));
  }

  /** Takes an event "activity"; nameOf(id) -> {profileId, provider}. Events older than the book are left out. */
  add({at, served}, nameOf) {
    const time = Date.parse(at);
    this.advance(time);
    const place = Math.floor((time - this.from) / MINUTE);
    if (place < 0 || place >= this.minutes) return;
    for (const {id, model, requests, failed, tokens} of served) {
      let one = this.#credentials.get(id);
      if (!one) this.#credentials.set(id, (one = {id, ...nameOf(id), requests: this.#none(), failed: this.#none(), tokens: this.#none()}));
      one.requests[place] += requests;
      one.failed[place] += failed;
      one.tokens[place] += tokens;
      let other = this.#models.get(model);
      if (!other) this.#models.set(model, (other = {model, requests: this.#none()}));
      other.requests[place] += requests;
    }
  }

  /** Moves on to the minute of `time`. @return whether it did */
  advance(time) {
    const steps = Math.floor((time - this.from) / MINUTE) - this.minutes + 1;
    if (this.from === 0 || steps <= 0) return false;
    this.from += steps * MINUTE;
    const shift = (values) => [...values.slice(steps), ...Array(Math.min(steps, this.minutes)).fill(0)];
    for (const one of this.#credentials.values()) for (const name of ['requests', 'failed', 'tokens']) one[name] = shift(one[name]);
    for (const one of this.#models.values()) one.requests = shift(one.requests);
    return true;
  }

  #none() {
    return Array(this.minutes).fill(0);
  }

  /** The start of each minute, ms since 1970. */
  get times() {
    return Array.from({length: this.minutes}, (_, i) => this.from + i * MINUTE);
  }

  /** Credentials that have served anything: [{id, profileId, provider, requests, failed, tokens, total, failures}]. */
  get credentials() {
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    return [...this.#credentials.values()].map((one) => ({...one, total: sum(one.requests), failures: sum(one.failed)})).filter((one) => one.total > 0);
  }

  get models() {
    return [...this.#models.values()].filter((one) => one.requests.some((value) => value > 0));
  }
}
