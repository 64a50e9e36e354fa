// SPDX-License-Identifier: MIT
// The server's events, read with fetch because the proof is a header. It comes back by itself, from where it stopped.

const SILENCE = 40_000;  // the server writes a comment every 15 s
const WAITS = [1, 2, 3, 5, 8, 10];  // seconds

/** Cuts a stream of text into the fields of its events. */
export class SseReader {
  #rest = '';
  #event = {id: '', type: '', data: []};

  /** @return the events that `text` completed, each {id, type, data} */
  take(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    const done = [];
    for (const line of lines) {
      if (line === '') {
        const {id, type, data} = this.#event;
        if (data.length > 0) done.push({id, type: type || 'message', data: data.join('\n')});
        this.#event = {id, type: '', data: []};
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'id') this.#event.id = value;
      else if (name === 'event') this.#event.type = value;
      else if (name === 'data') this.#event.data.push(value);
    }
    return done;
  }
}

export class Events {
  #session;
  #handlers = new Map();
  #watchers = new Set();
  #last = '';
  #failures = 0;
  #stop = null;
  #timer = 0;
  #was = false;  // whether it has ever been live: what came in between must be asked for
  #fresh = false;  // nothing was asked for before the stream began

  /** "connecting", "live", or "waiting" (then `nextTry` says when, ms since 1970 of this machine's clock). */
  state = 'connecting';
  nextTry = 0;

  constructor(session) {
    this.#session = session;
  }

  /** handler(data, type) for each event of a type; "*" for all. Returns the function that ends it. */
  on(type, handler) {
    if (!this.#handlers.has(type)) this.#handlers.set(type, new Set());
    this.#handlers.get(type).add(handler);
    return () => this.#handlers.get(type).delete(handler);
  }

  /**
   * Starts, and waits until it is live, but not for long. What is asked for after that is newer than the stream's beginning: its
   * first "resync" is then passed over, instead of all being asked for twice.
   */
  async begin(patience = 250) {
    const live = new Promise((resolve) => {
      const stop = this.watch(() => {
        stop();
        resolve(this.state === 'live');
      });
      setTimeout(() => resolve(false), patience);
    });
    this.start();
    this.#fresh = true;
    if (!(await live)) this.#fresh = false;
  }

  /** run(events) whenever the state changes. */
  watch(run) {
    this.#watchers.add(run);
    return () => this.#watchers.delete(run);
  }

  start() {
    this.stop();
    this.#connect();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#stop?.abort();
    this.#stop = null;
  }

  retryNow() {
    if (this.state === 'waiting') this.start();
  }

  #become(state) {
    if (this.state === state && state !== 'waiting') return;
    this.state = state;
    for (const run of this.#watchers) run(this);
  }

  #tell(type, data) {
    const fresh = this.#fresh;
    this.#fresh = false;
    if (fresh && type === 'resync') return;
    for (const name of [type, '*']) {
      for (const handler of this.#handlers.get(name) ?? []) {
        try {
          handler(data, type);
        } catch (error) {
          reportError(error);  // one page's mistake is not the connection's
        }
      }
    }
  }

  async #connect() {
    const stop = (this.#stop = new AbortController());
    if (this.state !== 'waiting') this.#become('connecting');
    let quiet = 0;
    const heard = () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => stop.abort(), SILENCE);
    };
    try {
      heard();
      const headers = {accept: 'text/event-stream', ...this.#session.headers()};
      if (this.#last) headers['last-event-id'] = this.#last;
      const answer = await fetch('/events', {headers, cache: 'no-store', signal: stop.signal});
      if (answer.status === 401) {
        this.#session.lost();
        return;
      }
      if (!answer.ok) throw new Error(`/events answered ${answer.status}`);
      await this.#read(answer.body, heard);
    } catch {
      // Gone, cut off or silent: all the same to the reader, who is told when the next try is.
    } finally {
      clearTimeout(quiet);
    }
    this.#fresh = false;
    if (this.#stop === stop) this.#wait();
  }

  async #read(body, heard) {
    const reader = new SseReader();
    const text = body.pipeThrough(new TextDecoderStream()).getReader();
    const again = this.#was && !this.#last;
    this.#was = true;
    this.#failures = 0;
    this.#become('live');
    if (again) this.#tell('resync', {});
    for (;;) {
      const {value, done} = await text.read();
      if (done) return;
      heard();
      for (const event of reader.take(value)) {
        if (event.id) this.#last = event.id;
        let data;
        try {
          data = JSON.parse(event.data);
        } catch {
          continue;  // not ours; the next one may be
        }
        this.#tell(event.type, data);
      }
    }
  }

  #wait() {
    const seconds = WAITS[Math.min(this.#failures, WAITS.length - 1)];
    this.#failures += 1;
    this.nextTry = Date.now() + seconds * 1000;
    this.#become('waiting');
    this.#timer = setTimeout(() => this.#connect(), seconds * 1000);
  }
}
