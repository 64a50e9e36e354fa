// SPDX-License-Identifier: MIT

/** Calls `run` at most once in `wait` ms, however often it is asked for; the last wish is never lost, only late. */
export function atMostEvery(run, wait) {
  let last = -Infinity;
  let timer = 0;
  const go = () => {
    timer = 0;
    last = performance.now();
    run();
  };
  const ask = () => { if (timer === 0) timer = setTimeout(go, Math.max(0, last + wait - performance.now())); };
  ask.stop = () => clearTimeout(timer);
  return ask;
}
