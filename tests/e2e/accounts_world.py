# SPDX-License-Identifier: MIT
"""A fake provider, `credpool serve` with accounts before it (on one host or several), and one account."""
import contextlib
import http.client
import json
import pathlib
import shutil
import sqlite3
import tempfile

from proxy_world import ANTHROPIC_KEY, OPENAI_KEYS, FakeProvider, Serve, chat

# A request costs what it may cost at most, so that the last cent can be spent: five tokens of a cent each.
PRICES = {"date": "2026-11-21", "source": "this test", "models": {
    "gpt-fake": {"input": 0, "output": 10_000, "context_tokens": 1000, "max_output_tokens": 5},
    "gpt-fake-mini": {"input": 10_000, "output": 10_000, "context_tokens": 100, "max_output_tokens": 50}}}
A_REQUEST = 0.05


class AccountsWorld:
    """`with AccountsWorld() as world:` one server with its own files; with `database` so many that share it."""

    def __init__(self, database=None, hosts: int = 1, arguments: tuple = (), settings: dict | None = None,
                 variables: dict | None = None):
        self.database, self.hosts, self.arguments, self.settings = database, hosts, arguments, settings
        self.environment = {"OPENAI_API_KEYS": ",".join(OPENAI_KEYS), "ANTHROPIC_API_KEY": ANTHROPIC_KEY, **(variables or {})}

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="credpool-accounts-"))
        self.stack.callback(shutil.rmtree, self.root, ignore_errors=True)
        self.fake = self.stack.enter_context(contextlib.closing(FakeProvider(False)))
        (self.root / "prices.json").write_text(json.dumps(PRICES))
        self.servers = [None] * self.hosts
        self.stack.callback(lambda: [server.close() for server in self.servers if server])
        for host in range(self.hosts):
            self.start(host)
        self.email = "ann@example.com"
        registered = self.data("POST", "/auth/register", {"email": self.email, "password": "Secret123"}, status=201)
        self.management = registered["management_key"]
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start(self, host: int = 0) -> None:
        folder = self.root / f"host-{host}"
        folder.mkdir(exist_ok=True)
        shared = ("--store", self.database.address) if self.database else ()
        self.servers[host] = Serve(self.fake.addresses["http"], folder, accounts=True, settings=self.settings, environment=self.environment,
                                   arguments=("--grant-credits", "--prices", self.root / "prices.json", *shared, *self.arguments))

    @property
    def serve(self) -> Serve:
        return self.servers[0]

    def kill(self, host: int = 0) -> None:
        self.servers[host].process.kill()
        self.servers[host].process.wait()

    def ask(self, method: str, path: str, body=None, key: str | None = None, timeout: float = 30, host: int = 0,
            headers: dict | None = None):
        connection = http.client.HTTPConnection("127.0.0.1", self.servers[host].port, timeout=timeout)
        with contextlib.closing(connection):
            sent = {"Content-Type": "application/json", **(headers or {})}
            if key:
                sent["Authorization"] = f"Bearer {key}"
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def data(self, method: str, path: str, body=None, status: int = 200):
        got, _, text = self.ask(method, path, body, getattr(self, "management", None))
        assert got == status, f"{method} {path}: {got} {text[:300]!r}"
        return json.loads(text)["data"]

    def buy(self, amount: int) -> None:
        self.data("POST", "/credits/purchase", {"amount": amount})

    def new_key(self, name: str = "one", **more) -> dict:
        return self.data("POST", "/keys", {"name": name, **more}, status=201)

    def balance(self) -> dict:
        return self.data("GET", "/credits")

    def spend(self, key: str, host: int = 0, **more) -> tuple[int, dict]:
        status, _, body = self.ask("POST", "/v1/chat/completions", chat(**more), key, host=host)
        return status, json.loads(body) if body else {}

    def books(self) -> tuple[int, int, int, int]:
        """What was paid in, spent and is reserved, and the sum over all requests, in micro-dollars, as they stand on the disk."""
        (path,) = self.root.rglob("accounts.sqlite")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            credits, usage, reserved = store.execute("SELECT SUM(credits), SUM(usage), SUM(reserved) FROM account").fetchone()
            rows = store.execute("SELECT COALESCE(SUM(cost), 0) FROM usage_row").fetchone()[0]
            # What is settled and not booked yet stands as reserved.
            back, spent = store.execute("SELECT COALESCE(SUM(spent + returned), 0), COALESCE(SUM(spent), 0) FROM settlement").fetchone()
            return credits, usage + spent, reserved - back, rows + spent
