# SPDX-License-Identifier: MIT
"""serve: its parts, its listeners, `credpool ui`, and how a service manager runs it."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from gateway_world import NOWHERE, GatewayWorld
from proxy_world import Serve, free_port, need, stop
from refresh_world import program

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Parts(unittest.TestCase):
    def statuses(self, world) -> dict:
        return {path: world.ask(method, path, {"Content-Type": "application/json", **world.bearer()}, b'{"jsonrpc":"2.0","id":1,"method":"health"}'
                                if method == "POST" else b"").status
                for method, path in (("POST", "/rpc"), ("GET", "/ui/"), ("GET", "/v1/models"), ("GET", "/healthz"), ("GET", "/metrics"))}

    def test_only(self):
        with GatewayWorld() as world:
            self.assertEqual(self.statuses(world), {"/rpc": 200, "/ui/": 200, "/v1/models": 401, "/healthz": 200, "/metrics": 200})
        with GatewayWorld("--only", "gateway,ui") as world:
            self.assertEqual(self.statuses(world), {"/rpc": 200, "/ui/": 200, "/v1/models": 404, "/healthz": 200, "/metrics": 200})
        with GatewayWorld("--only", "proxy") as world:
            self.assertEqual(self.statuses(world) | {"/rpc": 404, "/ui/": 404, "/metrics": 404},
                             {"/rpc": 404, "/ui/": 404, "/v1/models": 401, "/healthz": 200, "/metrics": 404})
            self.assertFalse((world.state / "gateway.json").exists())
        with GatewayWorld("--no-ui") as world:
            self.assertEqual(self.statuses(world)["/rpc"], 200)
            self.assertIn(self.statuses(world)["/ui/"], (401, 404))
            self.assertEqual(world.rpc("gateway.link")[1]["data"]["code"], "unsupported")

    def test_idle_it_keeps_little_of_its_code(self):
        with GatewayWorld("--only", "gateway") as world:
            def code_in_memory() -> tuple[int, int]:
                """KiB of the server's own code: all of it, and what is in memory."""
                size = resident = 0
                own = False
                for line in pathlib.Path(f"/proc/{world.server.pid}/smaps").read_text().splitlines():
                    name, value = line.split()[0], line.split()[1]
                    if not name.endswith(":"):
                        own = value == "r-xp" and line.endswith("/credpool-network")
                    elif own and name in ("Size:", "Rss:"):
                        size, resident = size + int(value) * (name == "Size:"), resident + int(value) * (name == "Rss:")
                return size, resident
            until = time.monotonic() + 10
            while (found := code_in_memory())[1] * 3 > found[0] and time.monotonic() < until:
                time.sleep(0.1)
            size, resident = found
            self.assertGreater(size, 1000)
            self.assertLess(resident * 3, size, "starting had most of it in memory")
            self.assertEqual(world.ask("GET", "/healthz").status, 200)  # what went comes again

    def refused(self, *arguments: str) -> str:
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run([*program(), "serve", *arguments], env={"HOME": home, "PATH": os.environ["PATH"]}, cwd=home,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 3, done.stderr)
            return done.stderr

    def test_parts_that_do_not_go_together(self):
        self.refused("--open", "--only", "ui")
        self.refused("--open", "--only", "accounts")
        self.refused("--only", "proxy,gateway")
        self.refused("--only", "everything")

    def test_others_are_not_listened_to_in_the_clear(self):
        self.assertIn("--insecure-remote", self.refused("--listen", f"0.0.0.0:{free_port()}"))
        self.assertIn("--insecure-remote", self.refused("--listen", f"[::]:{free_port()}"))
        self.assertIn("--open", self.refused("--open", "--insecure-remote", "--listen", f"0.0.0.0:{free_port()}"))

    def test_further_names(self):
        with GatewayWorld("--allow-host", "pool.example") as world:
            self.assertEqual(world.ask("GET", "/ui/", {"Host": "pool.example"}).status, 200)
            self.assertEqual(world.ask("GET", "/ui/", {"Host": "other.example"}).status, 421)
        self.refused("--open", "--allow-host", "http://pool.example")

    def test_its_own_socket(self):
        with GatewayWorld() as world:
            place = json.loads((world.state / "gateway.json").read_text())
            self.assertEqual((place["url"], place["pid"]), (world.server.url, world.server.pid))
            path = pathlib.Path(place["socket"])
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(place["socket"])
                body = b'{"jsonrpc":"2.0","id":1,"method":"gateway.whoami"}'
                one.sendall(b"POST /rpc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                got = b""
                while part := one.recv(65536):
                    got += part
            self.assertEqual(json.loads(got.partition(b"\r\n\r\n")[2])["result"]["name"], "unix")
            # A second server leaves the first one's alone.
            second = Serve(NOWHERE, world.root, home=world.server.home)
            self.assertEqual(json.loads((world.state / "gateway.json").read_text())["pid"], world.server.pid)
            second.close()
            self.assertTrue((world.state / "gateway.json").exists())


class Logins(unittest.TestCase):
    def test_a_new_login_is_there_within_seconds_and_a_lost_one_is_gone(self):
        with GatewayWorld() as world:
            def await_profile(name: str, there: bool) -> float:
                begun = time.monotonic()
                while time.monotonic() - begun < 25:  # all would be read again after 30
                    known = {entry["profileId"] for entry in world.result("tokenDiscovery.status")["credentials"]}
                    if (name in known) == there:
                        return time.monotonic() - begun
                    time.sleep(0.1)
                raise AssertionError(f"{name}: not {'found' if there else 'gone'} after 25 s")
            store = world.server.home / ".kimi/credentials/kimi-code.json"
            store.parent.mkdir(mode=0o700, parents=True)
            for _ in range(2):
                store.write_text(json.dumps({"access_token": "made-up-access", "refresh_token": "made-up-refresh", "scope": "s",
                                             "expires_at": time.time() + 900, "expires_in": 900, "token_type": "Bearer"}))
                store.chmod(0o600)
                await_profile("kimi-code:default", True)
                store.unlink()
                await_profile("kimi-code:default", False)


class Ui(unittest.TestCase):
    def test_the_link(self):
        with GatewayWorld() as world:
            done = world.command("ui", "--no-browser")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, rf"^http://127\.0\.0\.1:{world.server.port}/ui/#code=[\w-]{{43}}\n$")
            self.assertEqual(world.enter(done.stdout.strip().partition("#code=")[2]).status, 200)
            document = json.loads(world.command("--json", "ui", "--no-browser").stdout)
            self.assertEqual((sorted(document), document["opened"]), (["expiresAt", "opened", "url"], False))

    def test_the_browser_gets_no_code_in_its_arguments(self):
        with GatewayWorld() as world:
            folder = world.root / "bin"
            folder.mkdir()
            (folder / "xdg-open").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {world.root}/opened.part\nmv {world.root}/opened.part {world.root}/opened\n')
            (folder / "xdg-open").chmod(0o755)
            done = world.command("ui", PATH=f"{folder}:{os.environ['PATH']}", DISPLAY=":7")
            self.assertEqual(done.returncode, 0, done.stderr)
            until = time.monotonic() + 10
            while not (world.root / "opened").exists() and time.monotonic() < until:
                time.sleep(0.02)
            opened = (world.root / "opened").read_text().strip()
            code = done.stdout.strip().partition("#code=")[2]
            self.assertTrue(opened.startswith("file:///"), opened)
            self.assertNotIn(code, opened)
            page = pathlib.Path(opened.removeprefix("file://"))
            self.assertEqual(stat.S_IMODE(page.stat().st_mode), 0o600)
            self.assertIn(done.stdout.strip(), page.read_text())

    def test_no_server(self):
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run([*program(), "ui"], env={"HOME": home, "PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("credpool serve", done.stderr)


class ServiceManager(unittest.TestCase):
    def test_sockets_and_news(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            folder = pathlib.Path(folder)
            news = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            news.bind(str(folder / "news"))
            news.settimeout(20)
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = listener.getsockname()[1]
            process = subprocess.Popen(
                ["/bin/sh", "-c", f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{listener.fileno()}', "sh", *program(), "serve", "--open", "--log", "off"],
                env={"HOME": str(folder), "PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(folder / "news"), "OPENAI_API_KEY": "sk-" + "a" * 40},
                pass_fds=(listener.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            try:
                self.assertEqual(process.stdout.readline(), f"listening on http://127.0.0.1:{port}\n")
                self.assertEqual(news.recv(100), b"READY=1")
                with socket.create_connection(("127.0.0.1", port), 10) as one:
                    one.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    self.assertTrue(one.recv(1000).startswith(b"HTTP/1.1 200 "))
                process.send_signal(signal.SIGHUP)
                self.assertEqual([news.recv(100), news.recv(100)], [b"RELOADING=1", b"READY=1"])
                process.terminate()
                self.assertEqual(news.recv(100), b"STOPPING=1")
                self.assertEqual(process.wait(timeout=20), 0)
                # The socket was not its own: it listens still.
                socket.create_connection(("127.0.0.1", port), 5).close()
            finally:
                stop(process)
                process.stdout.close()

    def verify(self, *units: pathlib.Path) -> None:
        done = subprocess.run(["systemd-analyze", "verify", *(("--user",) if len(units) == 1 else ()), "--man=no", *units],
                              env={**os.environ, "XDG_RUNTIME_DIR": str(units[0].parent)}, capture_output=True, text=True, timeout=60)
        ours = [line for line in done.stderr.splitlines() if "credpool" in line]
        self.assertEqual((done.returncode, ours), (0, []), done.stderr)

    def test_the_units_of_a_machine(self):
        need("systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            units = []
            for name in ("credpool.service", "credpool.socket"):
                units.append(pathlib.Path(folder) / name)
                units[-1].write_text((ROOT / "examples/systemd" / name).read_text().replace("/usr/bin/credpool", program()[-1]))
            self.verify(*units)

    def test_the_service_of_a_user(self):
        """`serve install` with a systemctl that only notes what it is asked."""
        need("systemd-analyze")
        with tempfile.TemporaryDirectory() as home:
            home = pathlib.Path(home)
            (home / "bin").mkdir()
            (home / "bin/systemctl").write_text(f'#!/bin/sh\necho "$@" >> {home}/asked\n')
            (home / "bin/systemctl").chmod(0o755)
            environment = {"HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}"}
            def run(*words):
                return subprocess.run([*program(), "serve", *words], env=environment, cwd=home, capture_output=True, text=True, timeout=30)
            done = run("--open", "--listen", "127.0.0.1:9999", "--key-file", "a key", "install")
            self.assertEqual(done.returncode, 0, done.stderr)
            unit = home / ".config/systemd/user/credpool.service"
            text = unit.read_text()
            start, = [line for line in text.splitlines() if line.startswith("ExecStart=")]
            self.assertIn(f'"serve" "--open" "--listen" "127.0.0.1:9999" "--key-file" "{home}/a key"', start)
            self.assertIn("Type=notify\n", text)
            self.assertIn("--user restart credpool.service", (home / "asked").read_text())
            self.verify(unit)
            self.assertEqual(run("status").returncode, 0)
            self.assertEqual(run("uninstall").returncode, 0)
            self.assertFalse(unit.exists())
            self.assertEqual(run("status").returncode, 1)


if __name__ == "__main__":
    unittest.main()
