// SPDX-License-Identifier: MIT
// Signing in by the one-time link, and the proof that goes with the cookie.
// The cookie alone opens nothing: every program on this host shares the host's cookies, but not the port's local storage.

const PLACE = 'credpool.session';

export class Session extends EventTarget {
  #state = null;

  /** {proof, scopes, expiresAt}, or null when nobody is signed in. */
  get state() {
    return this.#state;
  }

  get signedIn() {
    return this.#state !== null;
  }

  may(scope) {
    return this.#state?.scopes?.includes(scope) ?? false;
  }

  /** Headers every request of this session carries. */
  headers() {
    return this.#state ? {'x-credpool-proof': this.#state.proof} : {};
  }

  /**
   * Takes the one-time code out of the address, at once, and trades it for a session; without one an earlier session goes on.
   * @return null, or why signing in failed, as {message, hint}
   */
  async start() {
    const code = takeCode();
    if (code === null) {
      this.#state = read();
      return null;
    }
    let answer;
    try {
      answer = await fetch('/ui/session', {
        method: 'POST',
        headers: {'content-type': 'application/json'},
        body: JSON.stringify({code}),
        cache: 'no-store',
      });
    } catch {
      return {message: 'The server did not answer.', hint: 'Is `credpool serve` running? Then make a new link: credpool ui'};
    }
    if (!answer.ok) {
      this.#state = read();
      if (this.#state) return null;
      return {message: 'This link was used already, or is older than two minutes.', hint: 'Make a new one: credpool ui'};
    }
    this.#state = await answer.json();
    write(this.#state);
    return null;
  }

  /** The server does not know the session any more. */
  lost() {
    if (!this.#state) return;
    this.#state = null;
    write(null);
    this.dispatchEvent(new CustomEvent('lost'));
  }

  async signOut() {
    try {
      await fetch('/ui/session', {method: 'DELETE', headers: this.headers(), cache: 'no-store'});
    } catch {
      // The server is gone; what this browser kept is forgotten all the same.
    }
    this.lost();
  }
}

function takeCode() {
  const found = /^#code=([A-Za-z0-9_.~-]+)$/.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, '', location.pathname);
  return found[1];
}

function read() {
  try {
    const state = JSON.parse(localStorage.getItem(PLACE) ?? 'null');
    if (typeof state?.proof !== 'string') return null;
    return Date.parse(state.expiresAt) < Date.now() ? null : state;
  } catch {
    return null;
  }
}

function write(state) {
  try {
    if (state) localStorage.setItem(PLACE, JSON.stringify(state));
    else localStorage.removeItem(PLACE);
  } catch {
    // Storage is switched off: the session lasts until the page is left.
  }
}
