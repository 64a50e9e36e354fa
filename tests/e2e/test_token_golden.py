# SPDX-License-Identifier: MIT
"""What every command of openclaw-token prints: as text and as JSON, into a pipe and on a terminal, compared with golden/.

Each file of golden/ is one command. After a change that is wanted: CREDPOOL_GOLDEN=write, and look at the difference."""
import dataclasses
import os
import pathlib
import re
import unittest

from token_world import EMAIL, PASSWORD, Screen, TokenWorld

GOLDEN = pathlib.Path(__file__).parent / "golden"
LOGIN = ["--email", "demo@openclaw.dev", "--password-stdin"]
TYPED_LOGIN = [("Email: ", "demo@openclaw.dev"), ("Password: ", "Demo1234!")]
YES, NO = ([(r"\(y/N\) ", word)] for word in ("y", ""))


@dataclasses.dataclass
class Example:
    """One way to call a command. Words: HASH is the hash of the key "agent", which `before` may have made."""
    words: str
    before: tuple = ()  # calls that come first, and are not looked at
    stdin: str | None = None  # into a pipe
    piped: str = ""  # more words where nobody can be asked; the exit code is that of there
    typed: list = dataclasses.field(default_factory=list)  # on a terminal: (what is asked, what is typed)
    code: int = 0


KEY = ("keys create --name agent --limit 10 --limit-reset monthly",)
TWO_KEYS = (*KEY, "keys create --name plain")

EXAMPLES = {
    "auth register": [Example("auth register", stdin=PASSWORD, piped=f"--email {EMAIL} --password-stdin",
                              typed=[("Email: ", EMAIL), ("Password: ", PASSWORD), ("Confirm password: ", PASSWORD)])],
    "auth login": [Example("auth login", stdin="Demo1234!", piped=" ".join(LOGIN), typed=TYPED_LOGIN),
                   Example("auth login", stdin="Wrong1234", piped=" ".join(LOGIN), typed=[TYPED_LOGIN[0], ("Password: ", "Wrong1234")], code=1),
                   Example("auth login --github")],
    "auth logout": [Example("auth logout")],
    "auth rotate": [Example("auth rotate", piped="--yes", typed=YES)],
    "auth whoami": [Example("auth whoami"), Example("auth whoami", before=("auth logout",), code=1)],
    "credits balance": [Example("credits balance")],
    "credits buy": [Example("credits buy --amount 25", piped="--yes", typed=YES), Example("credits buy --amount 4", piped="--yes", code=1)],
    "credits history": [Example("credits history", before=("credits buy --amount 25 --yes",)), Example("credits history --type refund"),
                        Example("credits history --limit 1", before=("credits buy --amount 25 --yes",))],
    "credits auto-topup": [Example("credits auto-topup"), Example("credits auto-topup --enable --threshold 10 --amount 50"),
                           Example("credits auto-topup --disable")],
    "keys create": [Example("keys create --name agent --limit 10 --limit-reset monthly --expires 2099-12-31"),
                    Example("keys create --name plain"), Example("keys create --name agent", before=KEY, code=1)],
    "keys list": [Example("keys list"), Example("keys list --sort name", before=TWO_KEYS), Example("keys list --filter bogus", code=1),
                  Example("keys list --sort name --include-revoked", before=(*TWO_KEYS, "keys revoke HASH --yes"))],
    "keys info": [Example("keys info HASH", before=KEY), Example("keys info 0000000000000000", code=1)],
    "keys update": [Example("keys update HASH --limit none --limit-reset none --disabled", before=KEY)],
    "keys rotate": [Example("keys rotate HASH", before=KEY, piped="--yes", typed=YES)],
    "keys revoke": [Example("keys revoke HASH", before=KEY, piped="--yes", typed=YES), Example("keys revoke HASH", before=KEY, typed=NO, code=1)],
    "keys revoke-all": [Example("keys revoke-all"), Example("keys revoke-all", before=KEY, piped="--yes", typed=YES)],
    "keys export": [Example("keys export", before=KEY), Example("keys export --format csv", before=KEY),
                    Example("keys export --output keys.csv --format csv", before=KEY)],
    "keys import": [Example("keys import keys.json", before=(*KEY, "keys export --output keys.json", "keys revoke HASH --yes"), piped="--yes",
                            typed=YES), Example("keys import missing.json", code=1)],
    "keys usage": [Example("keys usage HASH", before=KEY), Example("keys usage 0000000000000000", code=1)],
    "integrate": [Example("integrate --status"), Example("integrate"), Example("integrate --remove", before=("integrate",))],
    "profile create": [Example("profile create work"), Example("profile create ../x", code=1)],
    "profile switch": [Example("profile switch work", before=("profile create work",)), Example("profile switch gone", code=1)],
    "profile list": [Example("profile list"), Example("profile list", before=("profile create work", "profile switch work"))],
    "profile current": [Example("profile current")],
    "profile delete": [Example("profile delete work", before=("profile create work",)),
                       Example("profile delete default", code=1)],
    "config get": [Example("config get email"), Example("config get colour", code=1)],
    "config set": [Example("config set email a@b.cd"), Example("config set email nobody", code=1)],
    "config list": [Example("config list")],
    "config show": [Example("config show"), Example("config show --reveal")],
    "config reset": [Example("config reset", piped="--yes", typed=YES)],
    "audit show": [Example("audit show"), Example("audit show", before=("config get email", "profile switch gone"))],
    "audit clear": [Example("audit clear", before=("config get email",))],
    "completion bash": [Example("completion bash")],
    "completion zsh": [Example("completion zsh")],
    "completion fish": [Example("completion fish")],
    "man": [Example("man")],
    "help": [Example("help"), Example("help keys create")],
}


def steady(text: str, world: TokenWorld) -> str:
    """The same with what differs from run to run replaced, as long as it was, and what no line shows made visible."""
    text = text.replace("\r\n", "\n").replace(str(world.root), "<ROOT>")
    text = re.sub(r"[^\n]*\r\x1b\[(?:2)?K", "", text)  # what a spinner wrote and took away again
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    for pattern, word in ((r"20[2-8]\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<TIME>"), (r"20[2-8]\d-\d\d-\d\d \d\d:\d\d:\d\d", "<TIME>"),
                          (r"\d\d:\d\d:\d\d(?=\])", "<TIME>"), (r"sk-prov-[0-9a-f]{32}", "<KEY>"), (rf"sk-mgmt-{uuid}", "<MANAGEMENT>"),
                          (rf"\b{uuid}\b", "<UUID>"), (r"\b(?!0{16})[0-9a-f]{16}\b", "<HASH>"), (r"\b[A-Z]{4}-[A-Z]{4}\b", "<CODE>")):
        text = re.sub(pattern, lambda found, word=word: word.ljust(len(found[0])), text)
    return text.replace("\x1b", "<ESC>").replace("\r", "<CR>").replace("\x08", "<BS>").replace("\x07", "<BEL>")


class Golden(unittest.TestCase):
    maxDiff = None

    def commands(self) -> list[str]:
        """Every command that the help knows, found as a person would: group by group."""
        with TokenWorld() as world:
            def below(words: list[str]) -> list[str]:
                parts = world.run(*words, "--help").stdout.split("\nCommands:\n")
                if len(parts) == 1:
                    return [" ".join(words)]
                rows = parts[1].split("\n\n")[0].splitlines()
                return [name for row in rows for name in ([row.split()[0]] if row.split()[0] in ("help", "man") else below([*words, row.split()[0]]))]
            return below([])

    def words(self, example: Example, world: TokenWorld, json: bool, piped: bool) -> list[str]:
        for call in example.before:
            world.run("--mock", *self.named(call, world), code=None)
        more = example.piped.split() if piped else []
        return ["--mock", *(["--json"] if json else []), *self.named(example.words, world), *more]

    @staticmethod
    def named(call: str, world: TokenWorld) -> list[str]:
        words = call.split()
        if "HASH" in words:
            items = world.mock("keys", "list", "--include-revoked")["items"]
            words[words.index("HASH")] = next(item["hash"] for item in items if item["name"] == "agent")
        return words

    def printed(self, example: Example, json: bool) -> tuple[str, str]:
        """Into a pipe, and on a terminal."""
        with TokenWorld() as world:
            done = world.run(*self.words(example, world, json, True), stdin=example.stdin, code=None)
            self.assertEqual(done.returncode, example.code, done.stderr)
            pipe = steady(f"{done.stdout}-- standard error, exit {done.returncode}\n{done.stderr}", world)
        with TokenWorld() as world:
            words = self.words(example, world, json, False)
            screen = Screen(world, *words)
            for asked, typed in example.typed:
                screen.until(asked)
                screen.type(typed + "\n")
            code = screen.end()
            terminal = steady(screen.shown, world) + f"-- exit {code}\n"
        return pipe, terminal

    def page(self, examples: list[Example]) -> str:
        parts, text = [], ""
        for example in examples:
            for json in (False, True):
                pipe, terminal = self.printed(example, json)
                text, before = pipe.split("-- standard error")[0], text
                if text == before and text.count("\n") > 10:
                    pipe = pipe.replace(text, "(the same)\n", 1)
                if terminal.startswith(text) and text.count("\n") > 10:
                    terminal = terminal.replace(text, "(the same)\n", 1)
                parts.append(f"==== {'--json ' if json else ''}{example.words}{' (after others)' if example.before else ''}\n{pipe}"
                             f"---- on a terminal\n{terminal}")
        return "".join(parts)

    def test_every_command_of_the_help_has_its_examples(self):
        self.assertEqual(sorted(self.commands()), sorted(EXAMPLES))
        self.assertEqual(sorted(path.stem.replace("_", " ") for path in GOLDEN.glob("*.txt")), sorted(EXAMPLES))

    def test_every_commands_help(self):
        with TokenWorld() as world:
            text = "".join(f"==== {name}\n{world.run('help', *name.split()).stdout}" for name in ["", *sorted(EXAMPLES)] if name not in ("help", "man"))
        self.compare(GOLDEN / "every_help", text)

    def compare(self, path: pathlib.Path, text: str) -> None:
        if os.environ.get("CREDPOOL_GOLDEN") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.assertTrue(path.exists(), f"{path.name} is not there: run with CREDPOOL_GOLDEN=write")
        self.assertEqual(text, path.read_text())


def add(name: str) -> None:
    def test(self):
        self.compare(GOLDEN / f"{name.replace(' ', '_')}.txt", self.page(EXAMPLES[name]))
    setattr(Golden, f"test_{re.sub(r'[ -]', '_', name)}", test)


for command in EXAMPLES:
    add(command)

if __name__ == "__main__":
    unittest.main()
