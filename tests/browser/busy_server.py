# SPDX-License-Identifier: MIT
"""Servers whose pages have something to show: keys that serve requests of a fake provider, accounts that spend, long histories."""
import contextlib
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import subprocess

from control_world import Server
from proxy_world import MODELS, FakeProvider, chat, stop, wait_for_port
from refresh_world import program

PRICES = {"date": "2026-11-21", "source": "this test", "models": {
    "gpt-fake": {"input": 0, "output": 10_000, "context_tokens": 1000, "max_output_tokens": 5},
    "gpt-fake-mini": {"input": 10_000, "output": 10_000, "context_tokens": 100, "max_output_tokens": 50}}}


def keys(count: int) -> str:
    return ",".join(f"sk-canary-openai-key-{number:06}" for number in range(count))


class BusyServer(Server):
    """`credpool serve` with `count` OpenAI keys and two of Anthropic, before a fake provider; with accounts unless `open_to_all`."""

    def __init__(self, count: int = 3, open_to_all: bool = True, prepare=None):
        self.fake = FakeProvider()
        self.open_to_all = open_to_all

        def configure(home: pathlib.Path) -> None:
            file = home / ".config/credpool/config.json5"
            file.parent.mkdir(parents=True)
            file.write_text("// what this test needs\n" + json.dumps({
                "baseUrls": {"openai": f"{self.fake.url}/v1", "anthropic": self.fake.url}, "models": MODELS,
                "validateTokens": False, "affinity": {"mode": "none"}}))
            (home.parent / "prices.json").write_text(json.dumps(PRICES))
            if prepare:
                prepare(home)

        try:
            super().__init__(demo=False, prepare=configure, environment={
                "OPENAI_API_KEYS": keys(count), "ANTHROPIC_API_KEYS": "sk-ant-api03-canary-one,sk-ant-api03-canary-two"})
        except BaseException:
            self.fake.close()
            raise

    def start(self) -> None:
        mode = ("--open",) if self.open_to_all else ("--grant-credits", "--prices", str(self.root / "prices.json"))
        with open(self.root / "serve.log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([*program(), "serve", *mode, "--listen", f"127.0.0.1:{self.port}", *self.pages()],
                                            env=self.environment(), cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for_port(self.port, self.process, self.root / "serve.log")

    @staticmethod
    def pages() -> list[str]:
        folder = os.environ.get("CREDPOOL_UI_DIRECTORY")
        return ["--ui-directory", folder] if folder else []

    def close(self) -> None:
        super().close()
        self.fake.close()

    def stop(self) -> None:
        stop(self.process)

    def post(self, path: str, body: dict, key: str | None = None) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        return answer.status, json.loads(text)

    def ask(self, model: str = "gpt-fake", key: str | None = None) -> int:
        """A request through the proxy. Its status."""
        return self.post("/v1/chat/completions", {**chat(), "model": model}, key or (self.state / "serve.key").read_text().strip())[0]


def entry(number: int, found: datetime.datetime) -> dict:
    cli, provider = (("kimi-cli", "kimi-code"), ("codex-cli", "openai"), ("qwen-cli", "qwen-portal"), ("gemini-cli", "google-gemini-cli"))[number % 4]
    return {"cli": cli, "provider": provider, "profileId": f"{provider}:person-{number:06}", "detectedAt": f"{found:%Y-%m-%dT%H:%M:%SZ}",
            "lastUsedAt": None, "usageCount": number, "tokenHash": "sha256:" + hashlib.sha256(str(number).encode()).hexdigest(),
            "status": ("active", "expired", "revoked", "invalid", "active")[number % 5], "consecutiveFailures": 0}


def write_history(home: pathlib.Path, count: int, odd: str | None = None) -> pathlib.Path:
    """A history of `count` entries, one an hour; `odd` is the profile of the newest."""
    path = home / ".openclaw/cli-token-history.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    newest = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    entries = [entry(number, newest - datetime.timedelta(hours=count - 1 - number)) for number in range(count)]
    if odd:
        entries[-1]["profileId"] = odd
    path.write_text(json.dumps({"version": 1, "lastScanAt": None, "discovered": entries}))
    path.chmod(0o600)
    return path
