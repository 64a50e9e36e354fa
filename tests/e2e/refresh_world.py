# SPDX-License-Identifier: MIT
"""A throw-away home with live logins at a server of single-use refresh tokens, and credpool run in it."""
import contextlib
import copy
import dataclasses
import functools
import http.client
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

from cli_stores import CLIS, Tokens, replace_file

HERE = pathlib.Path(__file__).resolve().parent
PEERS = HERE.parent / "peers"
# What `credpool refresh` answers.
OK, TRY_LATER, LOGIN_NEEDED, OUTCOME_UNKNOWN = 0, 1, 4, 5
# A login that was found is only borrowed unless its owner says otherwise.
REFRESH = ("refresh", "--method", "oauth-refresh", "--ownership", "co_own", "--json")


def load_peer(name: str):
    spec = importlib.util.spec_from_file_location(name, PEERS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program() -> list[str]:
    """The command under test; a Python file is run by this Python."""
    path = os.environ["CREDPOOL_PROGRAM"]
    return [sys.executable, path] if path.endswith(".py") else [path]


@functools.cache
def modules() -> str:
    """Where the server's packages are; fetched the first time."""
    place = os.environ.get("CREDPOOL_PEERS") or str(HERE.parents[1] / "build-peers")
    done = subprocess.run([PEERS / "install.sh", place], capture_output=True, text=True)
    if done.returncode == 77:
        raise unittest.SkipTest(done.stderr.strip())
    if done.returncode != 0:
        raise RuntimeError(f"the test server cannot be installed: {done.stderr}")
    return done.stdout.splitlines()[-1]


@functools.cache
def authority() -> str:
    """A certificate authority for this process; see throwaway_ca.sh."""
    folder = tempfile.TemporaryDirectory(prefix="credpool-ca-")
    authority.keep = folder  # removed with the process
    subprocess.run([PEERS / "throwaway_ca.sh", folder.name], check=True)
    return folder.name


@dataclasses.dataclass
class Login:
    cli: str
    file: pathlib.Path
    grant: str
    account: str
    first: Tokens


class RefreshWorld:
    """`with RefreshWorld() as world:`; `proxy=True` puts a FaultyProxy before the server (world.proxy);
    `tls=True` adds https and a CA, needed for the CLIs whose server no switch can move."""

    def __init__(self, proxy: bool = False, tls: bool = False, ttl: int = 900, grace: int = 0):
        self.options = {"ttl": ttl, "grace": grace}
        self.with_proxy, self.tls = proxy, tls
        self.proxy = None
        self.logins: dict[str, Login] = {}

    def make_home(self) -> None:
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="credpool-refresh-"))
        self.home = self.root / "home"
        self.home.mkdir(mode=0o700)

    @contextlib.contextmanager
    def sibling(self):
        """Another home at the same server."""
        world = copy.copy(self)
        world.logins = {}
        world.make_home()
        try:
            yield world
        finally:
            shutil.rmtree(world.root, ignore_errors=True)

    @contextlib.contextmanager
    def moved(self, home: pathlib.Path):
        """The same logins below another home directory, which must exist in the end."""
        world = copy.copy(self)
        world.home = home
        world.logins = {cli: dataclasses.replace(login, file=home / login.file.relative_to(self.home))
                        for cli, login in self.logins.items()}
        yield world

    def __enter__(self):
        self.make_home()
        self.log = open(self.root / "server.log", "w", encoding="utf-8")
        command = ["node", PEERS / "oauth_server.mjs", "--modules", modules()]
        for name, value in self.options.items():
            command += [f"--{name}", str(value)]
        if self.tls:
            command += ["--tls", authority()]
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.server.stdout.readline()
        assert line, (self.root / "server.log").read_text()
        self.addresses = json.loads(line)
        self.control = urllib.parse.urlsplit(self.addresses["http"])
        if self.with_proxy:
            peer = load_peer("faulty_proxy")
            self.proxy = peer.FaultyProxy(self.addresses["http"], authority() if self.tls else None)
            self.proxy.listen()
        return self

    def __exit__(self, *_):
        if self.proxy:
            self.proxy.refuse()
        self.server.stdin.close()
        try:
            self.server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        self.server.stdout.close()
        self.log.close()
        shutil.rmtree(self.root, ignore_errors=True)

    # ---- the server
    @property
    def address(self) -> str:
        """The plain address that clients use: the proxy's when there is one."""
        return self.proxy.http if self.proxy else self.addresses["http"]

    def ask(self, path: str, body: dict | None = None) -> dict:
        connection = http.client.HTTPConnection(self.control.hostname, self.control.port, timeout=60)
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status == 200, f"{path}: {answer.status} {text[:200]!r}"
        return json.loads(text)

    def counts(self) -> dict:
        return self.ask("/__counts")

    def family(self, cli: str) -> dict:
        """Of the login seeded last: {spends, reuse, revoked, live}."""
        return self.ask(f"/__counts?grant={self.logins[cli].grant}")

    def set(self, **settings) -> None:
        self.ask("/__set", settings)

    # ---- logins
    def seed(self, cli: str, left: float = -10, account: str | None = None) -> Login:
        """A live login in the CLI's own place, whose access token has `left` seconds to live."""
        kind = CLIS[cli]
        answer = self.ask("/__login", {"client": kind.vendor, **({"account": account} if account else {})})
        file = kind.file(self.home, self.address)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = kind.render("", answer, time.time() + left)
        replace_file(file, text)
        self.forget(file)
        if cli == "kimi-code":
            self.configure_kimi_code(file.stem)
        self.logins[cli] = Login(cli, file, answer["grant"], answer["account"], kind.parse(text))
        return self.logins[cli]

    def configure_kimi_code(self, slot: str) -> None:
        (self.home / ".kimi-code/oauth").mkdir(exist_ok=True, mode=0o700)
        (self.home / ".kimi-code/config.toml").write_text(
            f'[providers."managed:kimi-code"]\ntype = "kimi"\nbase_url = "{self.address}/coding/v1"\napi_key = ""\n'
            f'[providers."managed:kimi-code".oauth]\nstorage = "file"\nkey = "oauth/{slot}"\n'
            f'oauth_host = "{self.address}"\n', encoding="utf-8")

    def age(self, cli: str, left: float = -10) -> None:
        """Makes the stored access token old; for moments when nobody else writes."""
        file = self.logins[cli].file
        replace_file(file, CLIS[cli].aged(file.read_text(encoding="utf-8"), time.time() + left))
        self.forget(file)

    @staticmethod
    def forget(file: pathlib.Path) -> None:
        """What credpool remembers of earlier requests (its rates, its backoff) goes: as if hours had passed."""
        file.with_name(f".credpool-{file.name}.state").unlink(missing_ok=True)

    def stored(self, cli: str) -> Tokens:
        return CLIS[cli].parse(self.logins[cli].file.read_text(encoding="utf-8"))

    def holds_live_token(self, cli: str) -> bool:
        """Whether the file has the one refresh token that the server would still take. Spends nothing."""
        family = self.family(cli)
        return family["live"] is not None and self.stored(cli).refresh_hash == family["live"]

    # ---- programs
    def environment(self, **more: str) -> dict:
        """For credpool and for a CLI: the switches that lead to the server."""
        server = self.address
        values = {
            "HOME": str(self.home), "PATH": os.environ["PATH"], "TERM": "dumb",
            "KIMI_CODE_OAUTH_HOST": server, "KIMI_CODE_BASE_URL": f"{server}/coding/v1",
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE": f"{server}/oauth/token",
            "NO_PROXY": "", **more}
        if self.tls:
            authority_file = f"{authority()}/ca.pem"
            values |= {"HTTPS_PROXY": server, "NODE_EXTRA_CA_CERTS": authority_file, "SSL_CERT_FILE": authority_file}
        return values

    def start(self, *arguments: str, **more) -> subprocess.Popen:
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                "cwd": self.home, "env": self.environment(), **more}
        return subprocess.Popen([*program(), *arguments], **more)

    def refresh(self, cli: str, *more: str, timeout: float = 90, wrap: tuple = (), **variables) -> subprocess.CompletedProcess:
        """Runs `credpool refresh` to its end; `wrap` is a command that runs it (strace ...)."""
        return subprocess.run([*wrap, *program(), *REFRESH, cli, *more], cwd=self.home, stdin=subprocess.DEVNULL,
                              env=self.environment(**variables), capture_output=True, text=True, timeout=timeout)

    def play(self, cli: str, *arguments: str, **more) -> subprocess.Popen:
        """Starts a played CLI (played_clis.py) on the seeded login."""
        command = [sys.executable, HERE / "played_clis.py", cli, "--file", self.logins[cli].file,
                   "--server", self.addresses["http"] if not self.proxy else self.address, *arguments]
        return subprocess.Popen(command, **{"stdout": subprocess.PIPE, "text": True, "cwd": self.home, **more})
