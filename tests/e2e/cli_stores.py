# SPDX-License-Identifier: MIT
"""Where each CLI keeps its login, and how it words it: enough to seed one, to read it and to play the CLI."""
import base64
import dataclasses
import hashlib
import json
import os
import pathlib
import time
from collections.abc import Callable


@dataclasses.dataclass
class Tokens:
    access: str
    refresh: str
    expires_at: float  # seconds since the epoch; 0 when it is not there

    @property
    def refresh_hash(self) -> str:
        return hashlib.sha256(self.refresh.encode()).hexdigest()


def jwt_claims(token: str) -> dict:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def aged_jwt(token: str, expires_at: float) -> str:
    """The token with another `exp`; nobody on this side of the server can check its signature."""
    head, _, tail = token.split(".")
    claims = {**jwt_claims(token), "exp": int(expires_at)}
    middle = base64.urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).rstrip(b"=").decode()
    return f"{head}.{middle}.{tail}"


# ---- kimi: one schema, two styles
def kimi_parse(text: str) -> Tokens:
    data = json.loads(text)
    return Tokens(data.get("access_token", ""), data.get("refresh_token", ""), float(data.get("expires_at", 0)))


def kimi_members(answer: dict, at: float, kind: type) -> dict:
    return {"access_token": answer["access_token"], "refresh_token": answer["refresh_token"],
            "expires_at": kind(at), "scope": answer.get("scope", ""), "token_type": "Bearer",
            "expires_in": kind(answer["expires_in"])}


def kimi_cli_render(_: str, answer: dict, at: float) -> str:
    return json.dumps(kimi_members(answer, at, float), separators=(",", ":"))


def kimi_code_render(_: str, answer: dict, at: float) -> str:
    return json.dumps(kimi_members(answer, at, int), indent=2) + "\n"


def kimi_aged(text: str, at: float) -> str:
    data = json.loads(text)
    data["expires_at"] = type(data["expires_at"])(at)
    return json.dumps(data)


# ---- codex
def codex_parse(text: str) -> Tokens:
    tokens = json.loads(text).get("tokens") or {}
    access = tokens.get("access_token", "")
    return Tokens(access, tokens.get("refresh_token", ""), jwt_claims(access)["exp"] if access else 0)


def codex_render(old: str, answer: dict, at: float) -> str:
    data = json.loads(old) if old else {"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": {}}
    tokens = data["tokens"]
    for name in ("id_token", "access_token", "refresh_token"):
        if answer.get(name):
            tokens[name] = answer[name]
    tokens["access_token"] = aged_jwt(tokens["access_token"], at)
    tokens["account_id"] = jwt_claims(tokens["access_token"])["https://api.openai.com/auth"]["chatgpt_account_id"]
    data["last_refresh"] = time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime())
    return json.dumps(data, indent=2)


def codex_aged(text: str, at: float) -> str:
    data = json.loads(text)
    data["tokens"]["access_token"] = aged_jwt(data["tokens"]["access_token"], at)
    return json.dumps(data, indent=2)


# ---- qwen and gemini: Google's names
def google_parse(text: str) -> Tokens:
    data = json.loads(text)
    return Tokens(data.get("access_token", ""), data.get("refresh_token", ""), data.get("expiry_date", 0) / 1000)


def google_render(old: str, answer: dict, at: float) -> str:
    data = json.loads(old) if old else {}
    data.update({name: answer[name] for name in ("access_token", "refresh_token", "token_type", "id_token", "scope",
                                                 "resource_url") if answer.get(name)})
    data["expiry_date"] = int(at * 1000)
    return json.dumps(data, indent=2)


def google_aged(text: str, at: float) -> str:
    return json.dumps({**json.loads(text), "expiry_date": int(at * 1000)}, indent=2)


# ---- claude
def claude_parse(text: str) -> Tokens:
    login = json.loads(text).get("claudeAiOauth") or {}
    return Tokens(login.get("accessToken", ""), login.get("refreshToken", ""), login.get("expiresAt", 0) / 1000)


def claude_render(old: str, answer: dict, at: float) -> str:
    data = json.loads(old) if old else {"mcpOAuth": {"server|1": {"clientId": "fake"}}}
    login = data.setdefault("claudeAiOauth", {"subscriptionType": "max", "rateLimitTier": "fake"})
    login["accessToken"] = answer["access_token"]
    login["refreshToken"] = answer.get("refresh_token") or login["refreshToken"]
    login["expiresAt"] = int(at * 1000)
    login["scopes"] = answer.get("scope", "").split()
    return json.dumps(data)


def claude_aged(text: str, at: float) -> str:
    data = json.loads(text)
    data["claudeAiOauth"]["expiresAt"] = int(at * 1000)
    return json.dumps(data)


def kimi_code_slot(oauth_host: str, base_url: str) -> str:
    named = json.dumps({"oauthHost": oauth_host, "baseUrl": base_url}, separators=(",", ":"))
    return f"kimi-code-env-{hashlib.sha256(named.encode()).hexdigest()[:16]}"


@dataclasses.dataclass(frozen=True)
class Cli:
    name: str    # as credpool spells it
    vendor: str  # as the test server spells it
    client_id: str
    path: str    # below the home directory; {slot} for kimi-code
    token_path: str
    token_host: str | None  # reached through a proxy; None: a switch of the CLI names the address
    json_body: bool
    single_use: bool
    parse: Callable[[str], Tokens]
    render: Callable[[str, dict, float], str]  # (old text or "", answer, expires at) -> text
    aged: Callable[[str, float], str]          # (text, expires at) -> text

    def file(self, home: pathlib.Path, server: str) -> pathlib.Path:
        return home / self.path.format(slot=kimi_code_slot(server, f"{server}/coding/v1"))


KIMI = "17e5f671-d194-4dfb-9706-5516cb48c098"
CLIS = {cli.name: cli for cli in [
    Cli("kimi-cli", "kimi", KIMI, ".kimi/credentials/kimi-code.json", "/api/oauth/token", None, False, True,
        kimi_parse, kimi_cli_render, kimi_aged),
    Cli("kimi-code", "kimi", KIMI, ".kimi-code/credentials/{slot}.json", "/api/oauth/token", None, False, True,
        kimi_parse, kimi_code_render, kimi_aged),
    Cli("codex-cli", "codex", "app_EMoamEEZ73f0CkXaXp7hrann", ".codex/auth.json", "/oauth/token", None, True, True,
        codex_parse, codex_render, codex_aged),
    Cli("qwen-cli", "qwen", "f0304373b74a44d2b584a3fb70ca9e56", ".qwen/oauth_creds.json", "/api/v1/oauth2/token",
        "chat.qwen.ai", False, True, google_parse, google_render, google_aged),
    Cli("claude-cli", "claude", "9d1c250a-e61b-44d9-88ed-5944d1962f5e", ".claude/.credentials.json",
        "/v1/oauth/token", "platform.claude.com", True, True, claude_parse, claude_render, claude_aged),
    Cli("gemini-cli", "gemini", "681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com",
        ".gemini/oauth_creds.json", "/token", "oauth2.googleapis.com", False, False,
        google_parse, google_render, google_aged),
]}


def replace_file(path: pathlib.Path, text: str) -> None:
    """Writes a file of a login so that no reader ever sees half of it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.seed")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(temporary, path)
