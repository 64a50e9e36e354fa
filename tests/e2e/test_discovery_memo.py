# SPDX-License-Identifier: MIT
"""A scan that finds every file as it was prints what the scan before has found, and nothing else."""
import concurrent.futures
import hashlib
import itertools
import json
import os
import pathlib
import re
import shutil
import stat
import struct
import subprocess
import time
import unittest

from demo_world import PROGRAM, World

STATE = ".local/state/credpool"
# A change so shortly before a scan might be followed by another that leaves no trace.
SETTLED = 2.2


def memos(world: World) -> list[pathlib.Path]:
    return sorted((world.home / STATE).glob("discovery-memo-*"))


def shown(world: World, *arguments: str, **variables: str) -> str:
    """What a command prints, byte by byte, without the members that tell the time."""
    done = world.run(*(arguments or ("scan", "--json")), **variables)
    assert done.returncode in (0, 1, 2), done.stderr
    return "\n".join(line for line in done.stdout.splitlines()
                     if not line.lstrip().startswith(('"scannedAt":', '"elapsedMs":', '"checkedAt":')))


def shown_anew(world: World) -> str:
    for memo in memos(world):
        memo.unlink()
    return shown(world)


class Memo:
    """The file's parts; see DiscoveryMemo."""

    def __init__(self, path: pathlib.Path):
        self.path, whole = path, path.read_bytes()
        assert hashlib.sha256(whole[:-32]).digest() == whole[-32:]
        self.form, rest = whole[:-32].split(b"\n", 1)
        self.environment, rest = rest[:32], rest[32:]
        size, = struct.unpack("I", rest[:4])
        self.trace, self.rest = rest[4:4 + size], rest[4 + size:]

    def mark(self, word: bytes, other: bytes) -> None:
        """Another word, as long, of what it holds: shown only by who takes his answer from it."""
        assert len(word) == len(other) and word in self.rest
        body = (self.form + b"\n" + self.environment + struct.pack("I", len(self.trace)) + self.trace
                + self.rest.replace(word, other))
        self.path.write_bytes(body + hashlib.sha256(body).digest())

    def noted(self) -> dict[str, set[str]]:
        """For each path: "there" when there was something, "contents" when those matter, "names" of a directory that was listed."""
        known, rest = {}, self.trace
        while rest:
            if rest[0:1] == b"n":  # directory, ending, names
                path, _, _, rest = rest[1:].split(b"\0", 3)
                known.setdefault(os.fsdecode(path), set()).add("names")
                continue
            path, after = rest[58:].split(b"\0", 1)
            marks = known.setdefault(os.fsdecode(path), set())
            marks.update(["there"] if any(rest[2:58]) else [], ["contents"] if rest[1:2] == b"c" else [])
            rest = after
        return known


class DiscoveryMemo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(demo=True))
        cls.first = shown(cls.world)
        assert not memos(cls.world), "its files have changed just now"
        time.sleep(SETTLED)
        assert shown(cls.world) == cls.first
        cls.memo, = memos(cls.world)
        cls.good = cls.memo.read_bytes()

    def setUp(self):
        self.memo.write_bytes(self.good)
        self.memo.chmod(0o600)

    def mark(self) -> None:
        Memo(self.memo).mark(b"moonshot:moonshot", b"moonshot:frommemo")

    def test_scan_status_and_list_take_it_from_the_memo(self):
        self.assertEqual(shown(self.world), self.first)
        self.mark()
        commands = (["scan"], ["scan", "--json"], ["status", "--json"], ["list"])
        for command in commands:
            self.assertIn("moonshot:frommemo", shown(self.world, *command), command)
        self.memo.write_bytes(self.good)
        from_memo = [shown(self.world, *command) for command in commands]
        for command, text in zip(commands, from_memo):
            self.memo.unlink(missing_ok=True)
            self.assertEqual(shown(self.world, *command), text, command)

    def test_what_lies_beside_a_login_and_is_none_changes_nothing(self):
        self.mark()
        credentials = self.world.home / ".kimi-code/credentials"
        for name in (".credpool-kimi-code.json.lock", ".credpool-kimi-code.json.state", ".draft.json", "kimi-code.json.tmp"):
            with self.subTest(name):
                (credentials / name).write_text("")
                self.assertIn("frommemo", shown(self.world))
                (credentials / name).unlink()
                self.assertIn("frommemo", shown(self.world))

    def test_who_needs_tokens_reads_the_files(self):
        self.mark()
        for command in (["scan", "--import", "--json"], ["explain"], ["doctor"]):
            self.assertNotIn("frommemo", self.world.run(*command).stdout, command)
        self.assertIn("demo-", self.world.run("acquire", "--provider", "moonshot", "--reveal", check=True).stdout)

    def test_it_is_ours_alone_and_holds_no_secret(self):
        self.assertEqual(stat.S_IMODE(self.memo.stat().st_mode), 0o600)
        lent = json.loads(self.world.run("acquire", "--provider", "moonshot", "--reveal", "--json",
                                         check=True).stdout)
        secret = next(value for key, value in lent.items() if key in ("token", "secret", "key"))
        self.assertNotIn(secret.encode(), self.memo.read_bytes())
        refresh = json.loads((self.world.home / ".kimi/credentials/kimi-code.json").read_text())["refresh_token"]
        self.assertGreater(len(refresh), 8)
        self.assertNotIn(refresh.encode(), self.memo.read_bytes())
        self.assertNotIn(b"eyJ", self.memo.read_bytes())

    def test_an_address_with_a_password_is_kept_nowhere(self):
        base = {"OPENAI_API_KEY": "made-up-key-behind-a-gateway", "OPENAI_BASE_URL": "https://ada:s3cret@gw.example/v1"}
        for _ in range(2):
            shown(self.world, "scan", **base)
        kept = [path for path in (self.world.home / STATE).iterdir() if path.is_file() and b"s3cret" in path.read_bytes()]
        self.assertEqual(kept, [])

    def test_a_configuration_that_names_a_variable_of_the_session(self):
        with World() as world:
            config = world.home / ".config/credpool/config.json5"
            config.parent.mkdir(parents=True, mode=0o700)
            config.write_text('{providers: {mine: {baseUrl: "https://mine.example/v1", keyFile: "~/key-${TMUX_PANE}"}}}')
            (world.home / "key-1").write_text("made-up-key-of-a-pane")
            (world.home / "key-1").chmod(0o600)
            time.sleep(SETTLED)
            for _ in range(2):
                self.assertIn("active", shown(world, "scan", TMUX_PANE="1"))
            self.assertNotIn("active", shown(world, "scan", TMUX_PANE="2"))

    def test_another_environment_is_another_answer(self):
        self.mark()
        self.assertIn("frommemo", shown(self.world, "scan", TERM="dumb", SHLVL="7"))
        found = shown(self.world, "scan", DEEPSEEK_API_KEY="made-up-key-of-the-environment")
        self.assertNotIn("frommemo", found)
        self.assertIn("DEEPSEEK_API_KEY", found)
        self.assertIn("frommemo", shown(self.world, "scan"))
        elsewhere = self.world.home / "project"
        elsewhere.mkdir()
        (elsewhere / ".env").write_text("GEMINI_API_KEY=made-up-key-of-a-project\n")
        done = subprocess.run([PROGRAM, "scan"], env=self.world.environment(), cwd=elsewhere,
                              capture_output=True, text=True, timeout=60)
        self.assertIn("project/.env GEMINI_API_KEY", done.stdout)
        shutil.rmtree(elsewhere)

    def test_a_damaged_file_costs_time_only(self):
        for damage in (b"", b"credpool discovery", self.good[:-1], self.good + b"x", b"\0" * len(self.good)):
            self.memo.write_bytes(damage)
            self.assertEqual(shown(self.world), self.first)
            self.assertEqual(shown(self.world), self.first)
            self.assertNotEqual(self.memo.read_bytes(), damage)
            self.mark()  # it is whole again
            self.memo.write_bytes(self.good)
        self.mark()
        self.memo.chmod(0o644)
        self.assertEqual(shown(self.world), self.first)
        self.assertEqual(stat.S_IMODE(self.memo.stat().st_mode), 0o600)

    def test_the_history_is_left_alone_while_nothing_differs(self):
        history = self.world.home / STATE / "history.json"
        lock = history.with_name("history.json.lock")
        time.sleep(SETTLED)
        shown(self.world)  # notes that it is in step
        lock.unlink()  # who takes its turn makes it
        shown(self.world)
        self.assertFalse(lock.exists())
        self.world.run("history", "--clear", "--yes")
        document = json.loads(history.read_text())
        self.assertEqual(document["discovered"], [])
        shown(self.world)
        self.assertTrue(json.loads(history.read_text())["discovered"])

    def test_another_program_reads_for_itself(self):
        self.mark()
        other = self.world.root / "bin/credpool"
        other.parent.mkdir()
        shutil.copy(PROGRAM, other)
        done = subprocess.run([other, "scan"], env=self.world.environment(), cwd=self.world.home,
                              capture_output=True, text=True, timeout=60)
        self.assertIn("moonshot:moonshot", done.stdout)

    @unittest.skipIf("LOOK_LOG_LIBRARY" not in os.environ, "a sanitizer's library must come first")
    def test_all_that_a_scan_looks_at_is_in_its_trace(self):
        with World(demo=True) as world:
            log = world.root / "looked-at"
            library = os.environ["LOOK_LOG_LIBRARY"]
            shown(world)  # makes the state directory
            (world.home / STATE / "logins").mkdir(mode=0o700)
            time.sleep(SETTLED)
            shown(world, LD_PRELOAD=library, LOOK_LOG=str(log))
            known = Memo(memos(world)[0]).noted()
            directories = [*os.environ["PATH"].split(":"), str(world.root)]
            own = re.compile(re.escape(str(world.home / STATE))
                             + r"/($|discovery-memo|history\.json|opened-stores\.json|state\.sqlite)")  # $: which memos there are
            self.assertTrue(log.exists(), "a static program cannot be watched: test the one of build-test")
            looked_at = {path for path in log.read_text().splitlines() if path.startswith("/")}
            concerned = [path for path in looked_at if not own.match(path)
                         and any(path.startswith(directory + "/") for directory in directories)]
            self.assertGreater(len(concerned), 100)
            self.assertIn(str(world.home / ".codex/auth.json"), concerned)
            self.assertIn(str(world.home / STATE / "logins") + "/", concerned)
            self.assertIn(str(world.home / ".kimi/credentials") + "/", concerned)

            def told(path: str) -> bool:
                above = [str(parent) for parent in pathlib.PurePath(path).parents]
                if path.endswith("/"):  # its names were read
                    marks = known.get(path.rstrip("/"), set())
                    return bool(marks & {"names", "contents"})
                return (path in known
                        or not os.path.lexists(path) and {"there", "contents"} <= known.get(above[0], set())
                        or any(parent in known and "there" not in known[parent] for parent in above))
            self.assertEqual([path for path in sorted(concerned) if not told(path)], [])


class Changes(unittest.TestCase):
    """Each in a world of its own: after a change the memo must not be used."""

    def test_a_scan_after_any_change_is_what_a_first_scan_prints(self):
        def altered(path: pathlib.Path) -> None:
            facts, bytes_ = path.stat(), path.read_bytes()
            path.write_bytes(bytes_[:-2] + bytes_[-2:].swapcase())
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

        def longer(path: pathlib.Path) -> None:
            path.write_bytes(path.read_bytes() + b"\n")

        def replaced(path: pathlib.Path) -> None:
            aside = path.with_name(path.name + ".new")
            aside.write_bytes(path.read_bytes().replace(b"demo", b"omed"))
            aside.rename(path)

        def linked(path: pathlib.Path) -> None:
            target = path.with_name(path.name + ".aside")
            path.rename(target)
            path.symlink_to(target.name)

        kinds = [altered, longer, replaced, linked, pathlib.Path.unlink, lambda path: path.chmod(0o644)]
        with World(demo=True) as sample:
            files = sorted(str(path.relative_to(sample.home)) for path in sample.home.rglob("*")
                           if path.is_file() and not str(path.relative_to(sample.home)).startswith(STATE))
        self.assertGreater(len(files), 20)
        changes = [(f"{kind.__name__} {file}", lambda world, kind=kind, file=file: kind(world.home / file))
                   for kind, file in zip(itertools.cycle(kinds), files)]
        changes += [
            ("a .env of a CLI", lambda world: (world.home / ".gemini/.env").write_text("GEMINI_API_KEY=made-up-key\n")),
            ("a slot more", lambda world: shutil.copy(world.home / ".kimi-code/credentials/kimi-code.json",
                                                      world.home / ".kimi-code/credentials/kimi-code-env-0.json")),
            ("a directory less", lambda world: shutil.rmtree(world.home / ".codex")),
            ("a directory moved and linked", lambda world: ((world.home / ".codex").rename(world.home / "moved"),
                                                            (world.home / ".codex").symlink_to("moved"))),
            ("the rights of a directory", lambda world: (world.home / ".codex").chmod(0o777)),
            ("our own secrets", lambda world: (world.home / STATE / "secrets.json").write_text("damaged")),
            ("our own logins", lambda world: ((world.home / STATE / "logins").mkdir(mode=0o700),
                                              (world.home / STATE / "logins/a.json").write_text("damaged"))),
            ("the configuration", lambda world: (world.home / ".config/credpool/config.json5").write_text(
                '{sources: {"codex-cli": {enabled: false}}}')),
        ]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            worlds = [self.enterContext(World()) for _ in changes]
            for world in worlds:
                world.home.rmdir()
            list(pool.map(lambda world: world.run("demo", "--home", str(world.home), check=True), worlds))
            before = list(pool.map(shown, worlds))
            time.sleep(SETTLED)
            self.assertEqual(list(pool.map(shown, worlds)), before)

            def check(what):
                (name, change), world, was = what
                (memo,) = memos(world)
                Memo(memo).mark(b"moonshot:moonshot", b"moonshot:frommemo")
                assert "frommemo" in shown(world, "scan"), name
                change(world)
                after = shown(world)
                return name, "frommemo" in after or after != shown_anew(world), after != was
            checked = list(pool.map(check, zip(changes, worlds, before)))
        self.assertEqual([name for name, wrong, _ in checked if wrong], [])
        # Many of them can be seen, so that it is no comparison of nothing with nothing.
        self.assertGreater(sum(seen for *_, seen in checked), len(changes) // 2)

    def test_a_login_that_has_ended_meanwhile_is_shown_and_noted_so(self):
        with World() as world:
            store = world.home / ".kimi/credentials/kimi-code.json"
            store.parent.mkdir(parents=True, mode=0o700)
            ends = time.time() + 6
            store.write_text(json.dumps({"access_token": "made-up-access", "refresh_token": "made-up-refresh",
                                         "expires_at": ends, "scope": "s", "token_type": "Bearer",
                                         "expires_in": 900}))
            store.chmod(0o600)

            def status() -> tuple[str, str]:
                found = json.loads(world.run("scan", "--json").stdout)["credentials"]
                history = json.loads((world.home / STATE / "history.json").read_text())
                return found[0]["status"], history["discovered"][0]["status"]
            self.assertNotEqual(status()[0], "expired")
            time.sleep(SETTLED)
            for _ in range(3):
                self.assertNotEqual(status()[0], "expired")
            self.assertTrue(memos(world))
            time.sleep(max(0.0, ends - time.time()) + 0.05)
            self.assertEqual(status(), ("expired", "expired"))


if __name__ == "__main__":
    unittest.main()
