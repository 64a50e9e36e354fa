# SPDX-License-Identifier: MIT
"""renew: once, for as long as it runs, and as a service of the user."""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import stat
import subprocess
import time
import unittest

from cli_stores import CLIS, replace_file
from demo_world import World
from refresh_world import RefreshWorld, program

LINE = re.compile(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \S.*$")


def renew(world, *arguments, **variables):
    done = subprocess.run([*program(), "renew", *arguments], cwd=world.home, stdin=subprocess.DEVNULL,
                          env=world.environment(**variables), capture_output=True, text=True, timeout=90)
    for line in done.stdout.splitlines():
        assert LINE.match(line) or "--" not in arguments and not arguments, line
    return done


def texts(output: str) -> list[str]:
    return [re.sub(r"^\[[^]]*\] ", "", line) for line in output.splitlines()]


class Once(unittest.TestCase):
    def test_nothing_is_due(self):
        with RefreshWorld() as world:
            self.assertEqual(texts(renew(world, "--once").stdout), ["renewal cycle completed: 0 renewed, 0 fresh, 0 failed"])
            world.seed("kimi-cli", left=880)
            done = renew(world, "--once")
            self.assertEqual((done.returncode, texts(done.stdout)),
                             (0, ["renewal cycle completed: 0 renewed, 1 fresh, 0 failed"]))
            self.assertEqual(world.family("kimi-cli")["spends"], 0)

    def test_one_is_due(self):
        with RefreshWorld() as world:
            world.seed("kimi-cli", left=125)
            world.seed("kimi-code", left=880)
            done = renew(world, "--once")
            self.assertEqual(done.returncode, 0, done.stdout)
            lines = texts(done.stdout)
            self.assertRegex(lines[0], r"^kimi-cli \(kimi-code:default\): token expires in 2 minutes \(12\ds\), renewing$")
            self.assertEqual(lines[1:], ["kimi-cli (kimi-code:default): renewed",
                                         "kimi-cli (kimi-code:default): token expires in 14 minutes",
                                         "renewal cycle completed: 1 renewed, 1 fresh, 0 failed"])
            self.assertTrue(world.holds_live_token("kimi-cli"))
            self.assertEqual((world.family("kimi-cli")["spends"], world.family("kimi-code")["spends"]), (1, 0))

    def test_one_fails(self):
        with RefreshWorld() as world:
            world.seed("kimi-code")
            login = world.seed("kimi-cli")
            replace_file(login.file, login.file.read_text().replace(login.first.refresh, "made-up-refresh-token"))
            done = renew(world, "--once")
            self.assertEqual(done.returncode, 4, done.stdout)
            lines = texts(done.stdout)
            self.assertIn("kimi-cli (kimi-code:default): token has expired, renewing", lines)
            failed, = [line for line in lines if "could not be renewed" in line]
            self.assertIn("log in", failed)
            self.assertEqual(lines[-1], "renewal cycle completed: 1 renewed, 0 fresh, 1 failed")
            self.assertEqual(renew(world, "--once", "--cli", "kimi-code").returncode, 0)
            self.assertEqual(renew(world, "--once", "--cli", "nobody").returncode, 3)

    def test_an_overloaded_server_is_no_failure_while_the_token_works(self):
        with RefreshWorld(proxy=True) as world:
            world.seed("kimi-cli", left=125)
            world.proxy.plan("status", status=503, headers={"Retry-After": "20"}, text="{}")
            done = renew(world, "--once")
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("the old token still works", done.stdout)
            world.age("kimi-cli")  # and what is remembered of the first request is gone
            world.proxy.plan("status", status=503, headers={"Retry-After": "20"}, text="{}")
            done = renew(world, "--once")
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertRegex(done.stdout, r"could not be renewed: .*; next try in \d+ seconds")

    def test_the_log(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-cli", left=125)
            done = renew(world, "--once", "--log", "~/logs/renewal.log")
            self.assertEqual((done.returncode, done.stdout), (0, ""))
            log = world.home / "logs/renewal.log"
            self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o600)
            for line in log.read_text().splitlines():
                self.assertRegex(line, LINE)
                for secret in (login.first.access, login.first.refresh, world.stored("kimi-cli").refresh):
                    self.assertNotIn(secret[:12], line)
            with open(log, "a") as file:
                file.write("x" * (1 << 20) + "\n")
            renew(world, "--once", "--log", str(log))
            self.assertGreater(log.with_name("renewal.log.1").stat().st_size, 1 << 20)
            self.assertEqual(texts(log.read_text()), ["renewal cycle completed: 0 renewed, 1 fresh, 0 failed"])
            log.unlink()
            log.symlink_to(world.home / "elsewhere")
            self.assertEqual(renew(world, "--once", "--log", str(log)).returncode, 1)
            self.assertFalse((world.home / "elsewhere").exists())


class Watch(unittest.TestCase):
    def wait_for(self, log: pathlib.Path, words: str, seconds: float = 20) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            text = log.read_text() if log.exists() else ""
            if words in text:
                return text
            time.sleep(0.1)
        self.fail(f"{words!r} is not in the log:\n{text}")

    def test_it_renews_in_time_sees_new_logins_and_ends(self):
        with RefreshWorld(ttl=900) as world:
            world.seed("kimi-cli", left=8)
            log = world.home / "watch.log"
            process = world.start("renew", "--watch", "--log", str(log))
            try:
                self.wait_for(log, "watching")
                self.wait_for(log, "kimi-cli (kimi-code:default): renewed")
                self.assertTrue(world.holds_live_token("kimi-cli"))
                world.seed("kimi-code")  # appears while it watches
                process.send_signal(signal.SIGHUP)
                begin = time.monotonic()
                self.wait_for(log, "kimi-code (kimi-code:kimi-code-env")
                deadline = time.monotonic() + 20
                while world.family("kimi-code")["spends"] == 0 and time.monotonic() < deadline:
                    time.sleep(0.1)
                self.assertLess(time.monotonic() - begin, 15)  # not at the next look, 30 s later
                deadline = time.monotonic() + 10
                while not world.holds_live_token("kimi-code") and time.monotonic() < deadline:
                    time.sleep(0.1)
                self.assertTrue(world.holds_live_token("kimi-code"))
                # Its CLI signs out: it is left alone.
                world.logins["kimi-code"].file.unlink()
                process.send_signal(signal.SIGHUP)
                self.wait_for(log, "gone; left alone")
                process.send_signal(signal.SIGTERM)
                begin = time.monotonic()
                self.assertEqual(process.wait(timeout=10), 0)
                self.assertLess(time.monotonic() - begin, 5)
                text = self.wait_for(log, "stopping; renewals that have begun are finished")
                for line in text.splitlines():
                    self.assertRegex(line, LINE)
                self.assertEqual((world.counts()["refreshes"], world.counts()["reuse"]), (2, 0))
            finally:
                process.kill()
                process.communicate()

    def test_short_lived_tokens_are_renewed_again_and_again(self):
        with RefreshWorld(ttl=70) as world:
            world.seed("kimi-cli", left=3)
            process = world.start("renew", "--watch")
            try:
                begin = time.monotonic()
                while world.family("kimi-cli")["spends"] == 0 and time.monotonic() - begin < 15:
                    time.sleep(0.1)
                self.assertEqual(world.family("kimi-cli")["spends"], 1)
                time.sleep(8)  # due at once by its window; not before 30 s have passed
                self.assertEqual(world.family("kimi-cli")["spends"], 1)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=10)
                self.assertEqual((process.returncode, err), (0, ""))
                self.assertIn("token expires in 1 minute", out)
            finally:
                process.kill()
                process.communicate()


FAKE_SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >>"{log}"
case "$2" in
  show-environment) exit {systemd};;
  is-active) test -e "{root}/active" ;;
  restart) touch "{root}/active" ;;
  disable) rm -f "{root}/active" ;;
esac
"""
FAKE_CRONTAB = """#!/bin/sh
echo "crontab $*" >>"{log}"
if [ "$1" = -l ]; then
  {failing}
  [ -e "{root}/table" ] || {{ echo "no crontab for ada" >&2; exit 1; }}
  cat "{root}/table"
else
  cat >"{root}/table"
fi
"""
FOREIGN = "MAILTO=ada\n# m h dom mon dow command\n0 5 * * 1 tar -zcf /b.tgz /home 100% \n\n\t@reboot true"


class Install(unittest.TestCase):
    """systemctl and crontab are played by programs that write down what they are asked."""

    def world(self, systemd=True, systemctl=True, crontab=True, failing=":"):
        world = World()
        world.__enter__()
        self.addCleanup(world.__exit__, None, None, None)
        self.root = world.root
        self.bin = world.root / "bin"
        self.bin.mkdir()
        values = {"log": world.root / "asked", "root": world.root, "systemd": 0 if systemd else 1, "failing": failing}
        for name, text in (("systemctl", FAKE_SYSTEMCTL), ("crontab", FAKE_CRONTAB)):
            if {"systemctl": systemctl, "crontab": crontab}[name]:
                (self.bin / name).write_text(text.format(**values))
                (self.bin / name).chmod(0o755)
        for name in ("sh", "cat", "test", "touch", "rm"):
            os.symlink(shutil.which(name), self.bin / name)
        return world

    def run_it(self, world, *arguments, program=None, code=0, **variables):
        environment = {**world.environment(), "PATH": str(self.bin), **variables}
        done = subprocess.run([program or os.environ["CREDPOOL_PROGRAM"], *arguments], cwd=world.home, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def asked(self) -> list[str]:
        file = self.root / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def test_a_systemd_service(self):
        world = self.world()
        elsewhere = world.home / "co dex 100%"
        said = json.loads(self.run_it(world, "--json", "renew", "install", "--cli", "kimi-cli",
                                      CODEX_HOME=str(elsewhere), KIMI_CODE_OAUTH_HOST="http://127.0.0.1:9",
                                      HTTPS_PROXY="http://ada:secret@proxy.test:1", OPENAI_API_KEY="sk-fake").stdout)
        unit = world.home / ".config/systemd/user/credpool-renew.service"
        log = world.home / ".local/state/credpool/logs/token-renewal.log"
        self.assertEqual(said, {"installed": "systemd", "where": str(unit), "log": str(log)})
        self.assertEqual(stat.S_IMODE(unit.stat().st_mode), 0o600)
        text = unit.read_text()
        self.assertIn(f'ExecStart="{os.path.realpath(os.environ["CREDPOOL_PROGRAM"])}" "renew" "--watch" "--log" "{log}" '
                      '"--cli" "kimi-cli"\n', text)
        self.assertIn('Environment="CODEX_HOME=%s"\n' % str(elsewhere).replace("%", "%%"), text)
        self.assertIn(f'Environment="PATH={self.bin}"\n', text)
        self.assertIn('Environment="KIMI_CODE_OAUTH_HOST=http://127.0.0.1:9"\n', text)
        for secret in ("sk-fake", "ada:secret", "OPENAI_API_KEY"):
            self.assertNotIn(secret, text)
        self.assertEqual(self.asked()[-3:], ["systemctl --user daemon-reload", "systemctl --user enable credpool-renew.service",
                                             "systemctl --user restart credpool-renew.service"])
        status = json.loads(self.run_it(world, "--json", "renew", "status").stdout)
        self.assertEqual((status["installed"], status["running"]), ("systemd", True))
        (self.root / "active").unlink()
        self.assertIn("not running", self.run_it(world, "renew", "status", code=1).stdout)
        self.run_it(world, "renew", "install")
        self.assertNotIn("CODEX_HOME", unit.read_text())  # written anew
        self.assertEqual(json.loads(self.run_it(world, "--json", "renew", "uninstall").stdout), {"removed": True})
        self.assertFalse(unit.exists())
        self.assertIn("systemctl --user disable --now credpool-renew.service", self.asked())
        self.assertIn("Next: credpool renew install", self.run_it(world, "renew", "status", code=1).stdout)
        self.assertEqual(json.loads(self.run_it(world, "--json", "renew", "uninstall").stdout), {"removed": False})

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_systemd_takes_the_unit(self):
        world = self.world()
        place = world.root / "pro grams 5%"
        place.mkdir()
        shutil.copy(os.environ["CREDPOOL_PROGRAM"], place / "credpool")
        self.run_it(world, "renew", "install", "--log", "~/lo g/100%.log", program=place / "credpool",
                    CODEX_HOME='/da ta/$x "quoted" \\ 5%')
        unit = world.home / ".config/systemd/user/credpool-renew.service"
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
        about_it = [line for line in done.stderr.splitlines() if "credpool-renew" in line]
        self.assertEqual((done.returncode, about_it), (0, []), done.stderr)

    def test_a_crontab_line_where_there_is_no_systemd(self):
        for systemctl in (True, False):
            with self.subTest(systemctl=systemctl):
                world = self.world(systemd=False, systemctl=systemctl)
                table = self.root / "table"
                table.write_text(FOREIGN)
                self.run_it(world, "--state-dir", str(world.home / "sta te 5%"), "renew", "install", CODEX_HOME="/it's/5%")
                self.run_it(world, "--state-dir", str(world.home / "sta te 5%"), "renew", "install", CODEX_HOME="/it's/5%")
                text = table.read_text()
                self.assertTrue(text.startswith(FOREIGN + "\n"), text)
                line = text[len(FOREIGN) + 1:]
                self.assertEqual(line.count("\n"), 1)
                self.assertTrue(line.startswith("*/5 * * * * ") and line.endswith(" # credpool renew\n"), line)
                # As cron does: \% is %, the rest goes to sh.
                words = shlex.split(line.split(" ", 5)[5].replace("\\%", "%"), comments=True)
                self.assertIn("CODEX_HOME=/it's/5%", words)
                command = words[words.index(os.path.realpath(os.environ["CREDPOOL_PROGRAM"])):]
                self.assertEqual(command[1:5], ["--state-dir", str(world.home / "sta te 5%"), "renew", "--once"])
                shown = self.run_it(world, "--state-dir", str(world.home / "sta te 5%"), "renew", "status").stdout
                self.assertIn("every 5 minutes", shown)
                # What cron would run works, and its log is what `renew status` shows.
                subprocess.run(["sh", "-c", line.split(" ", 5)[5].replace("\\%", "%")], cwd=world.home, check=True,
                               env={"HOME": str(world.home), "PATH": "/usr/bin:/bin"}, timeout=60)
                shown = self.run_it(world, "--state-dir", str(world.home / "sta te 5%"), "renew", "status").stdout
                self.assertIn("renewal cycle completed: 0 renewed, 0 fresh, 0 failed", shown)
                self.run_it(world, "renew", "uninstall")
                self.assertEqual(table.read_text(), FOREIGN + "\n")

    def test_cron_where_there_is_systemd_and_back(self):
        world = self.world()
        unit = world.home / ".config/systemd/user/credpool-renew.service"
        self.run_it(world, "renew", "install")
        self.run_it(world, "renew", "install", "--cron")
        self.assertFalse(unit.exists())  # not both
        self.assertIn("# credpool renew", (self.root / "table").read_text())
        self.run_it(world, "renew", "install")
        self.assertTrue(unit.exists())
        self.assertEqual((self.root / "table").read_text(), "")

    def test_a_crontab_that_cannot_be_read_is_not_replaced(self):
        world = self.world(systemd=False, failing='echo "cannot say" >&2; exit 2')
        (self.root / "table").write_text(FOREIGN)
        self.run_it(world, "renew", "install", code=1)
        self.assertEqual((self.root / "table").read_text(), FOREIGN)
        self.assertNotIn("crontab -", self.asked())

    def test_a_line_that_is_too_long_for_cron_goes_without_the_path(self):
        world = self.world(systemd=False)
        path = ":".join([str(self.bin)] + [f"/not/there/{i:060}" for i in range(20)])
        self.run_it(world, "renew", "install", PATH=path)
        text = (self.root / "table").read_text()
        self.assertLess(len(text), 991)
        self.assertNotIn("PATH=", text)

    def test_neither_is_there(self):
        world = self.world(systemctl=False, crontab=False)
        error = json.loads(self.run_it(world, "--json", "renew", "install", code=1).stdout)["error"]
        self.assertIn("credpool renew --watch", error["hint"])


if __name__ == "__main__":
    unittest.main()
