# SPDX-License-Identifier: MIT
"""The power goes at a system call of the helper: what the disk has by then is a whole login, old or new.

The home is on an ext4 image. At the cut the image is copied as it is, without what the kernel had not
written yet; the copy is mounted, which replays ext4's own journal, and credpool runs there.
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from kill_helper_each_syscall import Trail
from loop import CLI, LoopCase, RefreshWorld, count, say
from refresh_world import REFRESH, program
from syscall_tracer import SUPPORTED, Tracer

CUTS = count("CUTS", 8, 12, 2_000)
TOOLS = ("mkfs.ext4", "mount", "umount")


def run(*command) -> None:
    subprocess.run([str(each) for each in command], check=True, capture_output=True)


@contextlib.contextmanager
def mounted(image: pathlib.Path, place: pathlib.Path):
    place.mkdir(exist_ok=True)
    run("mount", "-o", "loop", image, place)
    try:
        yield place
    finally:
        run("umount", place)


def why_not() -> str | None:
    """What is missing for loop mounts, or None."""
    if not SUPPORTED:
        return "the tracer knows x86-64 only"
    if os.geteuid() != 0:
        return "only root can mount an image"
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        return f"not installed: {', '.join(missing)}"
    with tempfile.TemporaryDirectory(prefix="credpool-ext4-") as folder:
        image = pathlib.Path(folder) / "probe"
        image.write_bytes(b"")
        os.truncate(image, 4 << 20)
        try:
            run("mkfs.ext4", "-q", image)
            with mounted(image, pathlib.Path(folder) / "mount"):
                return None
        except subprocess.CalledProcessError as error:
            return f"no loop mounts here: {error.stderr.decode().strip()}"


class CutAt(Trail):
    """Copies the image at that call, then the helper is gone."""

    def __init__(self, kill_at: int, image: pathlib.Path, copy: pathlib.Path):
        super().__init__(kill_at)
        self.image, self.copy = image, copy

    def __call__(self, stop):
        wanted = super().__call__(stop)
        if wanted == "kill":
            run("cp", "--sparse=always", self.image, self.copy)
        return wanted


class PowerCut(LoopCase):
    def test_old_or_new_and_never_half(self):
        if reason := why_not():
            self.skipTest(reason)
        with RefreshWorld() as world, contextlib.ExitStack() as stack:
            image, copy = world.root / "image", world.root / "copy"
            image.write_bytes(b"")
            os.truncate(image, 16 << 20)
            run("mkfs.ext4", "-q", image)
            stack.enter_context(mounted(image, world.home))
            fewest = None
            for _ in range(3):  # their number varies with the order in which threads meet
                self.settle(world)
                clean = Trail()
                self.assertEqual(self.traced(world, clean), 0)
                fewest = min(fewest or len(clean.names), len(clean.names))
            old = new = lost = again = 0
            for cut in range(CUTS):
                while True:
                    self.settle(world)
                    os.sync()  # the state before is on the disk
                    before = world.stored(CLI).refresh_hash
                    trail = CutAt(cut * (fewest - 1) // max(1, CUTS - 1), image, copy)
                    self.traced(world, trail)
                    if copy.exists():
                        break
                    again += 1  # this run had fewer calls: its threads met in another order
                    self.assertLessEqual(again, 5 + CUTS // 2, "cuts that never came")
                with world.moved(world.root / "after") as after, mounted(copy, after.home):
                    stored = after.stored(CLI).refresh_hash  # fails on half a file
                    self.assertIn(stored, (before, after.family(CLI)["live"]), f"cut {cut}: neither old nor new")
                    old, new = old + (stored == before), new + (stored != before)
                    after.forget(after.logins[CLI].file)
                    if not self.saved_or_told(after):
                        self.assertTrue(trail.in_window(), f"cut at call {trail.kill_at}, {trail.names[-1]}: lost")
                        lost += 1
                copy.unlink()
                world.logins.pop(CLI)  # the image before the cut knows nothing of what came after
            # About one in seven comes behind the rename: a few cuts may all come before it.
            if CUTS >= 50:
                self.assertTrue(old and new, f"the cuts met one side only: {old} old, {new} new")
            say(f"{CUTS} power cuts ({again} made again): {old} old, {new} new files, all whole; {lost} lost in the window, each told")

    def traced(self, world, watch) -> int:
        return Tracer([*program(), *REFRESH, CLI], watch, cwd="/", env=world.environment(),
                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).run()


if __name__ == "__main__":
    unittest.main()
