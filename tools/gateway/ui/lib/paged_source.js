// SPDX-License-Identifier: MIT
// Items of a long list that the server keeps, asked for by pages when they come into view.

const PAUSE = 60;     // ms: rows flown past are not asked for
const AT_ONCE = 2;    // pages under way
const KEPT = 30;      // pages in memory

export class PagedSource {
  #fetch;
  #size;
  #pages = new Map();    // number -> items, the latest used last
  #asked = new Map();    // number -> AbortController
  #wanted = [];
  #timer = 0;
  #turn = 0;
  #stale = new Set();

  /** Called after items came, with what fetch() gave. */
  onpage = () => {};
  /** Called when a page could not be had. */
  onerror = () => {};

  /** fetch(offset, limit, signal) -> promise of {items, ...}. */
  constructor(fetch, size = 200) {
    this.#fetch = fetch;
    this.#size = size;
  }

  /** The item at a position; undefined while it is not here. */
  at(index) {
    return this.#pages.get(Math.floor(index / this.#size))?.[index % this.#size];
  }

  /** These rows are in view: what is missing or out of date of them is asked for. */
  show(first, last) {
    const pages = [];
    for (let page = Math.floor(first / this.#size); page * this.#size < last; page += 1) pages.push(page);
    this.#wanted = pages;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), PAUSE);
  }

  /** The first page of a new list; what was there is forgotten when it has come. */
  async restart() {
    const turn = ++this.#turn;
    this.#drop();
    const answer = await this.#fetch(0, this.#size, null);
    if (turn !== this.#turn) return null;
    this.#pages.clear();
    this.#stale.clear();
    this.#pages.set(0, answer.items);
    return answer;
  }

  /** Asks again for what is in view; the rest is asked for when it comes into view. Old items stay until then. */
  refresh() {
    for (const page of this.#pages.keys()) this.#stale.add(page);
    this.#ask();
  }

  close() {
    this.#turn += 1;
    this.#drop();
  }

  #drop() {
    clearTimeout(this.#timer);
    for (const stop of this.#asked.values()) stop.abort();
    this.#asked.clear();
  }

  #ask() {
    for (const [page, stop] of this.#asked) {
      if (this.#wanted.includes(page)) continue;
      stop.abort();
      this.#asked.delete(page);
    }
    for (const page of this.#wanted) {
      if (this.#asked.size >= AT_ONCE) return;
      if (this.#asked.has(page) || (this.#pages.has(page) && !this.#stale.has(page))) continue;
      this.#load(page);
    }
  }

  async #load(page) {
    const stop = new AbortController();
    const turn = this.#turn;
    this.#asked.set(page, stop);
    try {
      const answer = await this.#fetch(page * this.#size, this.#size, stop.signal);
      if (turn !== this.#turn || this.#asked.get(page) !== stop) return;
      this.#asked.delete(page);
      this.#stale.delete(page);
      this.#pages.delete(page);
      this.#pages.set(page, answer.items);
      for (const old of this.#pages.keys()) {
        if (this.#pages.size <= KEPT) break;
        if (!this.#wanted.includes(old)) this.#pages.delete(old);
      }
      this.onpage(answer);
      this.#ask();
    } catch (error) {
      if (this.#asked.get(page) === stop) this.#asked.delete(page);
      if (error.name !== 'AbortError' && turn === this.#turn) this.onerror(error);
    }
  }
}
