# SPDX-License-Identifier: MIT
"""The sessions of browsers over a restart of the server: they go on, and what has ended stays ended."""
import json
import os
import pathlib
import unittest

from gateway_world import NOWHERE, GatewayWorld
from proxy_world import Serve

WHOAMI = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "gateway.whoami"}).encode()


class Restart(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(GatewayWorld())
        self.file = self.world.state / "gateway-sessions.json"

    def status(self, session: dict) -> int:
        return self.world.ask("POST", "/rpc", {"Content-Type": "application/json", **session}, WHOAMI).status

    def warnings(self) -> list[str]:
        return [line for line in self.world.server.err.read_text().splitlines() if "sessions of browsers" in line or "gateway-sessions" in line]

    def test_a_session_goes_on(self):
        world = self.world
        self.assertFalse(self.file.exists())
        one, other = world.session(), world.session()
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        for secret in (one["Cookie"].partition("=")[2], one["X-Credpool-Proof"]):
            self.assertNotIn(secret, self.file.read_text())
        for kill in (False, True):
            world.restart(kill)
            self.assertEqual(world.rpc("gateway.whoami", one)[1]["scopes"], ["read", "operate", "admin"])
            self.assertEqual(self.status({**one, "X-Credpool-Proof": other["X-Credpool-Proof"]}), 401)
            self.assertEqual(self.status({**one, "Origin": "https://evil.example"}), 403)
        self.assertEqual((self.status(other), self.warnings()), (200, []))

    def test_signing_out_is_for_good(self):
        world = self.world
        one, other = world.session(), world.session()
        self.assertEqual(world.ask("DELETE", "/ui/session", one).status, 204)
        for kill in (True, False):
            world.restart(kill)
            self.assertEqual((self.status(one), self.status(other)), (401, 200))

    def test_all_are_signed_out_by_the_command(self):
        world = self.world
        one, code = world.session(), world.code()
        self.assertEqual(world.rpc("gateway.sessions.end", one)[1]["data"]["code"], "forbidden")
        self.assertEqual(world.rpc("gateway.sessions.end", world.bearer(world.new_token("operator", "operate")))[1]["code"], -32001)
        self.assertEqual(self.status(one), 200)
        done = world.command("ui", "--sign-out")
        self.assertEqual((done.returncode, done.stdout), (0, "1 browser is signed out.\n"), done.stderr)
        self.assertEqual((self.status(one), world.enter(code).status), (401, 401))
        world.restart(kill=True)
        self.assertEqual(self.status(one), 401)
        self.assertEqual(json.loads(world.command("ui", "--sign-out", "--json").stdout), {"ended": 0})

    def test_a_file_that_is_not_ours_or_not_whole_means_no_sessions(self):
        world = self.world

        def broken(file: pathlib.Path):
            file.write_text(file.read_text()[:-30])

        def open_to_others(file: pathlib.Path):
            file.chmod(0o666)

        def somebody_elses(file: pathlib.Path):
            os.chown(file, 12345, 12345)

        def a_link(file: pathlib.Path):
            file.rename(file.with_name("elsewhere"))
            file.symlink_to("elsewhere")

        def a_directory(file: pathlib.Path):
            file.unlink()
            file.mkdir()

        def endless(file: pathlib.Path):
            file.write_text(" " * 2_000_000)

        def a_pipe(file: pathlib.Path):
            file.unlink()
            os.mkfifo(file)

        for change in (broken, open_to_others, somebody_elses, a_link, a_directory, endless, a_pipe):
            if change is somebody_elses and os.geteuid() != 0:
                continue
            with self.subTest(change.__name__):
                session = world.session()
                self.assertTrue(self.file.is_file())
                world.restart(meanwhile=lambda: change(self.file))
                self.assertEqual(self.status(session), 401)
                self.assertEqual(len(self.warnings()), 1, world.server.said())
                self.assertIn("credpool ui", self.warnings()[0])
                self.assertNotIn(session["X-Credpool-Proof"], world.server.said())
                after = world.session()
                self.assertEqual(self.status(after), 200)
                world.restart()
                self.assertEqual((self.status(after), self.status(session), self.warnings()), (200, 401, []))

    def test_a_file_that_cannot_be_written_holds_nobody_up(self):
        world = self.world
        first = world.session()
        self.file.unlink()
        self.file.mkdir()
        (self.file / "x").touch()
        session = world.session()
        self.assertEqual((self.status(first), self.status(session)), (200, 200))
        self.assertEqual(world.ask("DELETE", "/ui/session", first).status, 204)
        self.assertEqual(self.status(first), 401)
        self.assertIn("sign in again", self.warnings()[0])

    def test_a_second_server_with_this_state_leaves_them_alone(self):
        world = self.world
        session = world.session()
        kept = self.file.read_text()
        root = world.root / "second"
        root.mkdir()
        second = Serve(NOWHERE, root, home=world.server.home)
        self.addCleanup(second.close)
        first, world.server = world.server, second
        world.host = f"127.0.0.1:{second.port}"
        self.assertEqual(self.status({**session, "Origin": f"http://{world.host}"}), 401)
        second.close()
        world.server, world.host = first, f"127.0.0.1:{first.port}"
        self.assertEqual((self.file.read_text(), self.status(session)), (kept, 200))


if __name__ == "__main__":
    unittest.main()
