#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a first visit of the Control UI costs in Chromium: bytes on the wire, requests, first paint, time until the page can be used.

Usage: ui_bench.py BUILD_DIR [--runs N]

Each run has a fresh profile (nothing in its cache) and a fresh one-time link; the server is on loopback. "Usable" is when the page has
its first data and its controls work (the mark page-ready), "interactive" when besides no task of more than 50 ms runs any more.
"""
import argparse
import os
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "browser"))

BYTES, MILLISECONDS = 150 * 1024, 300  # the bars
LONG = """new Promise((done) => {
  let end = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) end = Math.max(end, one.startTime + one.duration); })
    .observe({ type: 'longtask', buffered: true });
  setTimeout(() => done(end), 100);
})"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    os.environ.setdefault("CREDPOOL_PROGRAM", str(options.build.resolve() / "tools/credpool/credpool"))
    from control_world import Browser, Server  # looks at CREDPOOL_PROGRAM

    server, browser = Server(), Browser()
    try:
        sizes, counts, paints, usable, interactive = [], [], [], [], []
        for _ in range(options.runs + 1):
            browser.fresh(width=1440, height=900)
            browser.goto(url=server.link())
            browser.eventually("performance.getEntriesByName('page-ready').length > 0")
            ready = browser.evaluate(expression="performance.getEntriesByName('page-ready')[0].startTime")
            paint = browser.evaluate(expression="performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
            busy = browser.evaluate(expression=LONG)
            loaded = [one for one in browser.transfers() if one["url"].startswith(server.address)]
            sizes.append(sum(one["bytes"] for one in loaded))
            counts.append(len(loaded))
            paints.append(paint)
            usable.append(ready)
            interactive.append(max(ready, busy))
    finally:
        browser.close()
        server.close()
    # The first run starts the browser's processes and fills the server's caches.
    show = lambda name, values, unit: print(f"{name:<24} median {statistics.median(values[1:]):9.0f} {unit:<3} max {max(values[1:]):9.0f} {unit}")  # noqa: E731
    show("first load", sizes, "B")
    show("requests", counts, "")
    show("first contentful paint", paints, "ms")
    show("usable", usable, "ms")
    show("interactive", interactive, "ms")
    good = statistics.median(sizes[1:]) <= BYTES and statistics.median(interactive[1:]) <= MILLISECONDS
    print(f"bars: at most {BYTES} B and {MILLISECONDS} ms on loopback: {'held' if good else 'NOT HELD'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
