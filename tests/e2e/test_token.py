# SPDX-License-Identifier: MIT
"""openclaw-token in its made-up world: what every command prints, as text and as JSON."""
import json
import re
import stat
import subprocess
import time
import unittest

from token_world import DEMO_KEY, PROGRAM, Screen, TokenWorld

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def box(*rows) -> str:
    """A table as it is printed without colours."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]

    def rule(left, middle, right):
        return left + middle.join("\u2500" * (width + 2) for width in widths) + right + "\n"

    lines = ["\u2502" + "\u2502".join(f" {str(cell):<{width}} " for cell, width in zip(row, widths)) + "\u2502\n" for row in rows]
    return rule("\u250c", "\u252c", "\u2510") + rule("\u251c", "\u253c", "\u2524").join(lines) + rule("\u2514", "\u2534", "\u2518")


def steady(text: str) -> str:
    """The same with what differs from run to run replaced by words as long."""
    for pattern, word in ((rf"{TIME}", "<TIME>"), (r"sk-prov-[0-9a-f]{32}", "<KEY>"), (rf"sk-mgmt-{UUID}", "<MANAGEMENT>"),
                          (rf"\b{UUID}\b", "<UUID>"), (r"\b[0-9a-f]{16}\b", "<HASH>")):
        text = re.sub(pattern, lambda found, word=word: word.ljust(len(found[0])), text)
    return text


class Golden(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.world = self.enterContext(TokenWorld())

    def text(self, *arguments, **more):
        done = self.world.run("--mock", *arguments, **more)
        return done.stdout

    def new_key(self, name="agent", *more) -> dict:
        return self.world.mock("keys", "create", "--name", name, *more)

    def test_credits(self):
        world = self.world
        self.assertEqual(self.text("credits", "balance"), box(("Metric", "Amount"), ("Total Credits", "$100.00"),
                                                              ("Total Usage", "$0.00"), ("Remaining", "$100.00")))
        self.assertEqual(world.run("--mock", "--json", "credits", "balance").stdout,
                         '{\n  "total_credits": 100,\n  "total_usage": 0,\n  "remaining": 100\n}\n')
        bought = world.mock("credits", "buy", "--amount", "25", "--yes")
        self.assertEqual(list(bought), ["mode", "transaction_id", "amount", "platform_fee", "total_charged", "new_balance",
                                        "created_at"])
        self.assertEqual((bought["mode"], bought["amount"], bought["platform_fee"], bought["total_charged"],
                          bought["new_balance"]), ("immediate", 25, 1.38, 26.38, 125))
        self.assertRegex(self.text("credits", "buy", "--amount", "5.50", "--yes"),
                         rf"^\u2713 Purchase successful! New balance: \$130\.50 \(txn: {UUID}\)\n$")
        history = world.mock("credits", "history", "--limit", "2")
        self.assertEqual(list(history), ["items", "total", "limit", "offset", "has_more"])
        self.assertEqual([(item["type"], item["amount"], item["balance_after"]) for item in history["items"]],
                         [("purchase", 5.5, 130.5), ("purchase", 25, 125)])
        self.assertEqual((history["total"], history["has_more"]), (3, True))
        shown = self.text("credits", "history", "--limit", "1", "--offset", "1", "--type", "purchase")
        self.assertEqual(steady(shown), box(("Date", "Type", "Amount", "Balance After", "Description"),
                                            ("<TIME>".ljust(24), "purchase", "$25.00", "$125.00", "Credit purchase")))
        self.assertIn("Showing 1 of 3. Use --offset to see more.\n", self.text("credits", "history", "--limit", "1"))
        self.assertEqual(self.text("credits", "history", "--type", "refund"), "No transactions found.\n")

    def test_auto_topup(self):
        world = self.world
        self.assertEqual(world.mock("credits", "auto-topup"), {"enabled": False, "threshold": 5, "amount": 25})
        self.assertEqual(self.text("credits", "auto-topup"), box(("Setting", "Value"), ("Enabled", "No"), ("Threshold", "$5.00"),
                                                                 ("Amount", "$25.00")))
        self.assertEqual(self.text("credits", "auto-topup", "--enable", "--threshold", "10", "--amount", "50"),
                         "\u2713 Auto top-up enabled: threshold=$10.00, amount=$50.00\n")
        changed = world.mock("credits", "auto-topup", "--disable")
        self.assertEqual((changed["enabled"], changed["threshold"], changed["amount"]), (False, 10, 50))
        self.assertRegex(changed["updated_at"], f"^{TIME}$")

    def test_auth(self):
        world = self.world
        who = world.mock("auth", "whoami")
        self.assertEqual(list(who), ["email", "plan", "credits_remaining", "keys_count", "created_at"])
        self.assertEqual((who["email"], who["plan"], who["credits_remaining"], who["keys_count"]),
                         ("demo@openclaw.dev", "free", 100, 0))
        self.assertEqual(steady(self.text("auth", "whoami")),
                         box(("Field", "Value"), ("Email", "demo@openclaw.dev"), ("Plan", "free"), ("Credits Remaining", "$100.00"),
                             ("Keys", "0"), ("Created", "<TIME>".ljust(24))))
        self.assertEqual(self.text("auth", "login", "--email", "demo@openclaw.dev", "--password-stdin", stdin="Demo1234!\n"),
                         "\u2713 Logged in as demo@openclaw.dev\n")
        done = world.run("--mock", "auth", "login", "--email", "demo@openclaw.dev", "--password-stdin", stdin="Wrong1234", code=1)
        self.assertEqual((done.stdout, done.stderr), ("", "\u2717 Invalid email or password\n  Check your email and password.\n"))
        entered = world.mock("auth", "login", "--email", "demo@openclaw.dev", "--password-stdin", stdin="Demo1234!")
        self.assertEqual(list(entered), ["management_key", "email", "last_login"])
        rotated = world.mock("auth", "rotate", "--yes")
        self.assertEqual(list(rotated), ["management_key", "email", "rotated_at"])
        done = world.run("--mock", "auth", "rotate", "--yes")
        self.assertEqual(steady(done.stdout),
                         box(("Field", "Value"), ("Management Key", "<MANAGEMENT>".ljust(44)), ("Email", "demo@openclaw.dev"),
                             ("Rotated At", "<TIME>".ljust(24))) + "\u2713 Management key rotated successfully.\n")
        self.assertEqual(done.stderr, "\u26a0 This key will only be shown ONCE. Save it now!\n")
        world.mock("auth", "whoami")
        self.assertEqual(world.mock("auth", "logout"), {"success": True})
        self.assertEqual(self.text("auth", "logout"), "\u2713 Logged out successfully.\n")
        self.assertEqual(world.mock("auth", "whoami", code=1),
                         {"error": {"message": "Not logged in. Run: openclaw-token auth login"}})
        made = world.mock("auth", "register", "--email", "new@example.com", "--password-stdin", stdin="Secret123")
        self.assertEqual(list(made), ["management_key", "email", "created_at"])
        self.assertEqual(world.mock("credits", "balance")["remaining"], 0)
        self.assertEqual(self.text("auth", "register", "--email", "two@example.com", "--password-stdin", stdin="Secret123"),
                         "\u2713 Account registered! Management key saved.\n")
        self.assertEqual(world.mock("auth", "register", "--email", "two@example.com", "--password-stdin", stdin="Secret123",
                                    code=1)["error"]["message"], "Resource conflict: Email already registered")

    def test_login_through_github(self):
        begin = time.monotonic()
        done = self.world.run("--mock", "--json", "auth", "login", "--github")
        self.assertLess(time.monotonic() - begin, 20)
        self.assertRegex(done.stderr, r"\nEnter code [A-Z]{4}-[A-Z]{4} at https://\S+\n")
        entered = json.loads(done.stdout)
        self.assertEqual((list(entered), entered["merged"]), (["email", "management_key", "merged"], False))
        self.assertEqual(self.world.mock("auth", "whoami")["email"], entered["email"])

    def test_keys(self):
        world = self.world
        self.assertEqual(world.mock("keys", "list"), {"items": [], "total": 0})
        self.assertEqual(self.text("keys", "list"), "No keys found. Create one with: openclaw-token keys create --name <name>\n")
        key = self.new_key("agent", "--limit", "10", "--limit-reset", "monthly", "--expires", "2099-12-31")
        self.assertEqual(list(key), ["hash", "key", "name", "credit_limit", "limit_reset", "usage", "disabled", "created_at",
                                     "expires_at"])
        self.assertEqual((key["name"], key["credit_limit"], key["limit_reset"], key["expires_at"]),
                         ("agent", 10, "monthly", "2099-12-31T00:00:00.000Z"))
        done = world.run("--mock", "keys", "create", "--name", "plain")
        self.assertEqual(steady(done.stdout),
                         box(("Field", "Value"), ("Key", "<KEY>".ljust(40)), ("Hash", "<HASH>".ljust(16)), ("Name", "plain"),
                             ("Credit Limit", "Unlimited"), ("Limit Reset", "None"), ("Created", "<TIME>".ljust(24))))
        self.assertEqual(done.stderr, "\u26a0 This key will only be shown ONCE. Save it now!\n")
        listed = world.mock("keys", "list", "--sort", "name")
        self.assertEqual(([item["name"] for item in listed["items"]], listed["total"]), (["agent", "plain"], 2))
        self.assertNotIn("key", listed["items"][0])
        self.assertEqual(steady(self.text("keys", "list", "--sort", "-name")),
                         box(("Hash", "Name", "Limit", "Reset", "Usage", "Disabled", "Created"),
                             ("<HASH>".ljust(16), "plain", "\u221e", "-", "$0.00", "No", "<TIME>".ljust(24)),
                             ("<HASH>".ljust(16), "agent", "$10.00", "monthly", "$0.00", "No", "<TIME>".ljust(24))))
        hash_ = key["hash"]
        info = world.mock("keys", "info", hash_)
        for member in ("usage_daily", "usage_weekly", "usage_monthly", "requests_count", "model_usage"):
            self.assertIn(member, info)
        self.assertEqual(self.text("keys", "info", hash_),
                         box(("Field", "Value"), ("Hash", hash_), ("Name", "agent"), ("Credit Limit", "$10.00"),
                             ("Limit Reset", "monthly"), ("Total Usage", "$0.00"), ("Daily Usage", "$0.00"),
                             ("Weekly Usage", "$0.00"), ("Monthly Usage", "$0.00"), ("Requests", "0"), ("Disabled", "No")))
        self.assertEqual(self.text("keys", "update", hash_, "--limit", "20", "--disabled"), f"\u2713 Key {hash_} updated.\n")
        updated = world.mock("keys", "update", hash_, "--limit", "none", "--limit-reset", "none", "--disabled", "--enabled")
        self.assertEqual((updated["credit_limit"], updated["limit_reset"], updated["disabled"]), (None, None, False))
        rotated = world.mock("keys", "rotate", hash_, "--yes")
        self.assertEqual((rotated["hash"], rotated["name"]), (hash_, "agent"))
        self.assertNotEqual(rotated["key"], key["key"])
        self.assertRegex(rotated["rotated_at"], f"^{TIME}$")
        self.assertEqual(steady(self.text("keys", "rotate", hash_, "--yes")),
                         box(("Field", "Value"), ("Key", "<KEY>".ljust(40)), ("Hash", "<HASH>".ljust(16)), ("Name", "agent"),
                             ("Credit Limit", "Unlimited"), ("Limit Reset", "None"), ("Rotated At", "<TIME>".ljust(24)))
                         + "\u2713 Key <HASH>           rotated successfully.\n")
        revoked = world.mock("keys", "revoke", hash_, "--yes")
        self.assertEqual((revoked["hash"], revoked["name"], revoked["revoked"]), (hash_, "agent", True))
        self.assertEqual(world.mock("keys", "revoke", hash_, "--yes", code=1)["error"]["message"],
                         "This key has already been revoked.")
        self.assertEqual([item["name"] for item in world.mock("keys", "list")["items"]], ["plain"])
        both = world.mock("keys", "list", "--include-revoked", "--sort", "name")["items"]
        self.assertEqual([(item["name"], "revoked_at" in item) for item in both], [("agent", True), ("plain", False)])
        other = both[1]["hash"]
        self.assertEqual(self.text("keys", "revoke", other, "--yes"), f"\u2713 Key {other} revoked.\n")
        self.assertEqual(world.mock("keys", "info", "0" * 16, code=1)["error"]["message"], "Key not found")

    def test_revoke_all_leaves_what_is_disabled(self):
        world = self.world
        self.assertEqual(world.mock("keys", "revoke-all", "--yes"), {"revoked": 0, "message": "No active keys to revoke"})
        self.assertEqual(self.text("keys", "revoke-all", "--yes"), "No active keys to revoke.\n")
        keys = [self.new_key(name) for name in ("a", "b", "c")]
        world.mock("keys", "update", keys[1]["hash"], "--disabled")
        done = world.mock("keys", "revoke-all", "--yes")
        self.assertEqual((done["revoked"], sorted((row["name"], row["status"]) for row in done["results"])),
                         (2, [("a", "revoked"), ("c", "revoked")]))
        self.assertEqual([item["name"] for item in world.mock("keys", "list")["items"]], ["b"])
        self.new_key("d")
        self.assertEqual(self.text("keys", "revoke-all", "--yes"), "\u2713 1/1 keys revoked.\n")

    def test_filters_sorting_and_pages(self):
        world = self.world
        for name in ("beta", "Alpha", "gamma"):
            self.new_key(name)
        world.mock("keys", "update", world.mock("keys", "list", "--sort", "name")["items"][1]["hash"], "--disabled")

        def names(*arguments):
            return [item["name"] for item in world.mock("keys", "list", *arguments)["items"]]

        self.assertEqual(names("--sort", "name"), ["Alpha", "beta", "gamma"])
        self.assertEqual(names("--sort", "-created_at"), ["gamma", "Alpha", "beta"])
        self.assertEqual(names("--filter", "active", "--sort", "name"), ["Alpha", "gamma"])
        self.assertEqual(names("--filter", "disabled"), ["beta"])
        self.assertEqual(names("--filter", "usage>0"), [])
        for expression in ("usage>=0", "usage<=0", "usage=0", "usage<0.5"):
            self.assertEqual(len(names("--filter", expression)), 3, expression)
        for expression in ("usage==0", "bogus", "usage>", "usage > 1", "usage>-1", "usage>1e3"):
            self.assertIn("Invalid filter", world.mock("keys", "list", "--filter", expression, code=1)["error"]["message"])
        self.assertIn("Invalid sort field", world.mock("keys", "list", "--sort", "colour", code=1)["error"]["message"])
        page = world.mock("keys", "list", "--sort", "name", "--limit", "2", "--offset", "1")
        self.assertEqual(([item["name"] for item in page["items"]], page["total"], page["has_more"]), (["beta", "gamma"], 3, False))
        self.assertIn("Showing 1 of 3.", self.text("keys", "list", "--limit", "1"))

    def test_export_and_import(self):
        world = self.world
        self.assertEqual(self.text("keys", "export"), "[]\n")
        self.new_key("one", "--limit", "10", "--limit-reset", "daily", "--expires", "2099-01-01")
        self.new_key("two")
        exported = json.loads(self.text("keys", "export"))
        self.assertEqual(sorted(item["name"] for item in exported), ["one", "two"])
        table = self.text("keys", "export", "--format", "csv").splitlines()
        self.assertEqual(table[0], "hash,name,credit_limit,limit_reset,usage,disabled,created_at,expires_at")
        self.assertEqual([line.split(",")[1:4] for line in sorted(table[1:], key=lambda line: line.split(",")[1])],
                         [["one", "10", "daily"], ["two", "", ""]])
        self.assertEqual(self.text("keys", "export", "--format", "csv", "--output", "keys.csv"), "\u2713 Exported 2 keys to keys.csv\n")
        self.assertEqual(world.mock("keys", "export", "--output", "keys.json"), {"exported": 2, "file": "keys.json"})
        self.assertNotIn("sk-prov-", (world.home / "keys.json").read_text())
        self.assertEqual(world.run("--mock", "keys", "export", "--format", "xml", code=1).stdout, "")
        # Into another account: what was exported comes back, from either form.
        for number, file in enumerate(("keys.csv", "keys.json")):
            world.mock("auth", "register", "--email", f"n{number}@example.com", "--password-stdin", stdin="Secret123")
            done = world.mock("keys", "import", file, "--yes")
            self.assertEqual(done["imported"], 2)
            for row in done["results"]:
                self.assertEqual(list(row), ["name", "status", "hash", "key"])
            back = {item["name"]: item for item in world.mock("keys", "list")["items"]}
            self.assertEqual((back["one"]["credit_limit"], back["one"]["limit_reset"], back["one"]["expires_at"]),
                             (10, "daily", "2099-01-01T00:00:00.000Z"))
            self.assertEqual(back["two"]["credit_limit"], None)

    def test_an_import_with_failures_is_one(self):
        world = self.world
        file = world.home / "keys.json"
        file.write_text(json.dumps([{"name": "good"}, {"credit_limit": 5}, {"name": "good"}, {"name": "a,b"},
                                    {"name": "x", "credit_limit": "5"}, {"name": "y", "limit_reset": "hourly"}]))
        done = world.mock("keys", "import", "keys.json", "--yes", code=1)
        self.assertEqual(done["imported"], 1)
        self.assertEqual([row["status"].split(":")[0] for row in done["results"]],
                         ["created", "skipped", "error", "error", "error", "error"])
        self.assertEqual(done["results"][1]["status"], "skipped: missing name")
        shown = world.run("--mock", "keys", "import", "keys.json", "--yes", code=1)
        self.assertIn("0/6 keys imported.", shown.stdout)
        file.write_text("[]")
        self.assertEqual(self.text("keys", "import", "keys.json", "--yes"), "No keys to import.\n")
        self.assertEqual(world.mock("keys", "import", "keys.json", "--yes"), {"imported": 0, "results": []})
        file.write_text("{}")
        self.assertIn("Invalid JSON format", world.mock("keys", "import", "keys.json", "--yes", code=1)["error"]["message"])
        self.assertEqual(world.mock("keys", "import", "no.json", "--yes", code=1)["error"]["message"], "Cannot read file: no.json")

    def test_usage_once_and_watched(self):
        world = self.world
        hash_ = self.new_key()["hash"]
        once = world.mock("keys", "usage", hash_)
        self.assertEqual(list(once), ["hash", "name", "usage", "usage_daily", "usage_weekly", "usage_monthly", "requests_count",
                                      "timestamp"])
        self.assertRegex(self.text("keys", "usage", hash_),
                         r"^\[\d\d:\d\d:\d\d\] agent \| Usage: \$0\.00 \| Daily: \$0\.00 \| Weekly: \$0\.00 \| Requests: 0\n$")
        self.assertEqual(world.mock("keys", "usage", "0" * 16, code=1)["error"]["message"], "Key not found")
        watch = subprocess.Popen([PROGRAM, "--mock", "--json", "keys", "usage", hash_, "--watch", "--interval", "1"],
                                 env=world.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = [watch.stdout.readline() for _ in range(2)]
        watch.send_signal(2)
        rest, notes = watch.communicate(timeout=10)
        self.assertEqual(watch.returncode, 0)
        self.assertEqual([json.loads(line)["hash"] for line in lines + rest.splitlines()], [hash_] * len(lines + rest.splitlines()))
        self.assertIn("Watching, every 1 s.", notes)
        self.assertEqual(world.run("--mock", "keys", "usage", "0" * 16, "--watch", code=1).stdout, "")

    def test_profiles(self):
        world = self.world
        self.assertEqual(world.json("profile", "current"), {"name": "default"})
        self.assertEqual(world.run("profile", "current").stdout, "Active profile: default\n")
        self.assertEqual(world.json("profile", "list"), {"items": [], "total": 0})
        self.assertIn("No profiles found.", world.run("profile", "list").stdout)
        self.assertEqual(world.json("profile", "create", "work"), {"name": "work", "created": True})
        self.assertEqual(world.run("profile", "create", "home").stdout,
                         '\u2713 Profile "home" created. Use `openclaw-token profile switch home` to activate.\n')
        self.assertEqual(world.json("profile", "create", "work", code=1)["error"]["message"], 'Profile "work" already exists.')
        self.assertEqual(world.json("profile", "switch", "work"), {"name": "work", "active": True})
        self.assertEqual((world.directory / "current_profile").read_text(), "work")
        world.put_config("work")
        self.assertEqual(world.json("profile", "list"), {"items": [{"name": "home", "active": False, "hasConfig": False},
                                                                   {"name": "work", "active": True, "hasConfig": True}], "total": 2})
        self.assertEqual(world.run("profile", "list").stdout,
                         box(("Name", "Active", "Logged In"), ("home", "", "No"), ("work", "*", "Yes")))
        self.assertIn("Cannot delete the active profile", world.json("profile", "delete", "work", code=1)["error"]["message"])
        self.assertIn("Cannot delete the active profile",
                      world.json("--profile", "home", "profile", "delete", "work", code=1)["error"]["message"])
        self.assertEqual(world.json("profile", "delete", "home"), {"name": "home", "deleted": True})
        self.assertEqual(world.json("profile", "switch", "gone", code=1)["error"]["message"], 'Profile "gone" does not exist.')
        # Which one is in use: the option, the variable, the file.
        self.assertEqual(world.json("profile", "current", OPENCLAW_TOKEN_PROFILE="env")["name"], "env")
        self.assertEqual(world.json("--profile=opt", "profile", "current", OPENCLAW_TOKEN_PROFILE="env")["name"], "opt")
        self.assertEqual(world.json("profile", "current", "--profile", "opt")["name"], "opt")

    def test_config(self):
        world = self.world
        self.assertEqual(world.json("config", "list"),
                         {"management_key": None, "api_base": "https://proxy.openclaw-token.dev/v1", "email": None})
        self.assertEqual(world.run("config", "get", "email").stdout, "(not set)\n")
        self.assertEqual(world.json("config", "set", "api_base", "http://localhost:3000"),
                         {"key": "api_base", "value": "http://localhost:3000", "updated": True})
        self.assertEqual(world.run("config", "set", "email", "a@b.cd").stdout, '\u2713 Config "email" set to "a@b.cd".\n')
        self.assertEqual(world.json("config", "get", "api_base"), {"key": "api_base", "value": "http://localhost:3000"})
        done = world.run("config", "set", "management_key", stdin="sk-mgmt-abcdefgh\n")
        self.assertEqual(done.stdout, '\u2713 Config "management_key" set to "sk-mgmt-****".\n')
        self.assertEqual(world.run("config", "get", "management_key").stdout, "sk-mgmt-abcdefgh\n")
        self.assertEqual(world.run("config", "list").stdout,
                         box(("Key", "Value"), ("api_base", "http://localhost:3000"), ("management_key", "sk-mgmt-****"),
                             ("email", "a@b.cd")))
        shown = world.json("config", "show", OPENCLAW_TOKEN_API_BASE="https://x.example/v1")
        self.assertEqual((shown["profile"], shown["api_base"], shown["management_key"], shown["origins"]["api_base"]),
                         ("default", "https://x.example/v1", "sk-mgmt-****", "OPENCLAW_TOKEN_API_BASE"))
        self.assertIn("sk-mgmt-abcdefgh", world.run("config", "show", "--reveal").stdout)
        self.assertIn('Unknown config key "colour"', world.json("config", "get", "colour", code=1)["error"]["message"])
        self.assertIn("--yes", world.run("config", "reset", code=1).stderr)
        self.assertEqual(world.json("config", "reset", "--yes"), {"reset": True})
        self.assertEqual(world.run("config", "reset").stdout, "\u2713 Config reset to defaults.\n")
        self.assertEqual(world.json("config", "get", "email"), {"key": "email", "value": None})

    def test_audit(self):
        world = self.world
        self.assertEqual(world.json("audit", "show"), {"items": [], "total": 0})
        self.assertEqual(world.run("audit", "show").stdout, "No audit log entries.\n")
        world.run("--profile", "work", "config", "set", "email", "a@b.cd")
        world.run("config", "get", "nothing", code=1)
        items = world.json("audit", "show")["items"]
        self.assertEqual([(item["command"], item["args"], item["status"], "detail" in item) for item in items],
                         [("config", ["set", "email", "a@b.cd"], "success", False), ("config", ["get", "nothing"], "error", True)])
        self.assertEqual(len(world.json("audit", "show", "--limit", "1")["items"]), 1)
        self.assertRegex(world.run("audit", "show").stdout, r"\u2502 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \u2502 config set email a@b\.cd \u2502 success \u2502")
        self.assertEqual(world.json("audit", "clear"), {"cleared": True})
        self.assertEqual(world.run("audit", "clear").stdout, "\u2713 Audit log cleared.\n")
        self.assertEqual(world.log(), [])
        # Help, completions and mistakes of the command line are nothing that was done.
        for line in (["--help"], ["completion", "bash"], ["--version"]):
            world.run(*line)
        world.run("frobnicate", code=1)
        self.assertEqual(world.log(), [])


class MadeUpWorld(unittest.TestCase):
    def test_it_persists_for_each_profile_and_touches_nothing_else(self):
        with TokenWorld() as world:
            world.put_config()
            (world.home / ".openclaw").mkdir()
            (world.home / ".openclaw/openclaw.json").write_text("{}")
            before = world.files()
            world.mock("keys", "create", "--name", "first")
            world.mock("integrate")
            world.mock("auth", "logout")
            world.mock("--profile", "other", "keys", "create", "--name", "second")
            self.assertEqual(world.mock("--profile", "other", "keys", "list")["total"], 1)
            world.mock("auth", "login", "--email", "demo@openclaw.dev", "--password-stdin", stdin="Demo1234!")
            names = [item["name"] for item in world.mock("keys", "list")["items"]]
            self.assertEqual(sorted(names), ["first", "openclaw-fallback"])
            self.assertEqual(world.files(), before)
            for path in (world.directory / "mock").rglob("*"):
                self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
            world_file = (world.directory / "mock/profiles/default/world.json").read_text()
            self.assertNotIn("sk-", world_file)
            self.assertNotIn("Demo1234", world_file)

    def test_the_first_login_can_be_ended_before_anything_else(self):
        for line in (["auth", "logout"], ["config", "reset", "--yes"]):
            with TokenWorld() as world:
                world.mock(*line)
                self.assertIn("Not logged in", world.mock("auth", "whoami", code=1)["error"]["message"])

    def test_the_demo_key_works_from_the_environment(self):
        with TokenWorld() as world:
            self.assertEqual(world.mock("credits", "balance", OPENCLAW_TOKEN_KEY=DEMO_KEY)["remaining"], 100)
            message = world.mock("credits", "balance", OPENCLAW_TOKEN_KEY="sk-mgmt-" + "0" * 30, code=1)["error"]["message"]
            self.assertEqual(message, "Session expired or token is invalid.")
            self.assertIn("OPENCLAW_TOKEN_KEY must start with", world.mock("credits", "balance", OPENCLAW_TOKEN_KEY="x",
                                                                           code=1)["error"]["message"])


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(TokenWorld())

    def test_version_and_help(self):
        for flag in ("-V", "--version"):
            self.assertEqual(self.world.run(flag).stdout, "0.8.1\n")
        help_text = self.world.run("--help").stdout
        self.assertEqual(self.world.run("help").stdout, help_text)
        for command in ("auth", "credits", "keys", "integrate", "profile", "audit", "config", "completion"):
            self.assertRegex(help_text, rf"\n  {command}\b")
            self.assertIn("Usage: openclaw-token " + command, self.world.run(command, "--help").stdout)
            if command != "integrate":
                bare = self.world.run(command, code=1)
                self.assertEqual((bare.stdout, bare.stderr), ("", self.world.run("help", command).stdout))
        bare = self.world.run(code=1)
        self.assertEqual((bare.stdout, bare.stderr), ("", help_text))
        self.assertIn("--limit-reset <period>", self.world.run("keys", "create", "-h").stdout)

    def test_every_command_does_something(self):
        """Each command of the help has a handler: none ends without a word."""
        for group in ("auth", "credits", "keys", "profile", "audit", "config"):
            rows = self.world.run(group, "--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
            for row in rows.splitlines():
                words = [group, row.split()[0]]
                done = self.world.run("--mock", *words, *["0" * 16] * row.count("<"), code=None)
                self.assertTrue(done.stdout + done.stderr, words)

    def test_mistakes(self):
        for line, text in ((["frobnicate"], "error: unknown command 'frobnicate'\n"),
                           (["creditz"], "error: unknown command 'creditz'\n(Did you mean credits?)\n"),
                           (["credits", "balance", "--jso"], "error: unknown option '--jso'\n(Did you mean --json?)\n"),
                           (["keys", "info"], "error: missing required argument 'hash'\n"),
                           (["keys", "create"], "error: required option '--name <name>' not specified\n"),
                           (["credits", "buy"], "error: required option '--amount <usd>' not specified\n"),
                           (["keys", "create", "--name"], "error: option '--name <name>' argument missing\n"),
                           (["--profile"], "error: option '--profile <name>' argument missing\n"),
                           (["auth", "whoami", "me"], "error: too many arguments for 'whoami'. Expected 0 arguments but got 1.\n")):
            for json_flag in ([], ["--json"]):
                done = self.world.run(*json_flag, *line, code=1)
                self.assertEqual((done.stdout, done.stderr), ("", text))
        self.assertFalse(self.world.directory.exists())

    def test_a_failure_to_print_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "--mock", "credits", "balance"], env=self.world.environment(), stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("could not be written", done.stderr)


class OnATerminal(unittest.TestCase):
    def test_a_login_is_asked_for(self):
        with TokenWorld() as world:
            screen = Screen(world, "--mock", "auth", "login")
            screen.until("Email: ")
            screen.type("demo@openclaw.dev\n")
            screen.until("Password: ")
            screen.type("Demo1234!\n")
            self.assertEqual(screen.end(), 0, screen.shown)
            self.assertNotIn("Demo1234!", screen.shown)
            self.assertIn("\u2713 Logged in as demo@openclaw.dev\n", screen.plain())
            self.assertIn("\x1b[32m\u2713\x1b[0m", screen.shown)

    def test_a_registration_wants_the_password_twice(self):
        with TokenWorld() as world:
            for again, code in (("Other1234\n", 1), ("Secret123\n", 0)):
                screen = Screen(world, "--mock", "auth", "register")
                screen.until("Email: ")
                screen.type("new@example.com\n")
                screen.until("Password: ")
                screen.type("Secret123\n")
                screen.until("Confirm password: ")
                screen.type(again)
                self.assertEqual(screen.end(), code, screen.shown)
            self.assertEqual(world.mock("auth", "whoami")["email"], "new@example.com")

    def test_what_cannot_be_undone_is_asked_and_no_is_the_default(self):
        with TokenWorld() as world:
            hash_ = world.mock("keys", "create", "--name", "agent")["hash"]
            for typed in ("\n", "n\n"):
                screen = Screen(world, "--mock", "keys", "revoke", hash_)
                screen.until(r"Revoke key [0-9a-f]+\? This cannot be undone\. \(y/N\) ")
                screen.type(typed)
                self.assertEqual(screen.end(), 0)
                self.assertIn("Cancelled.", screen.shown)
            self.assertEqual(world.mock("keys", "list")["total"], 1)
            screen = Screen(world, "--mock", "credits", "buy", "--amount", "10")
            screen.until(r"Confirm purchase\?")
            self.assertIn(box(("Item", "Amount"), ("Credits", "$10.00"), ("Platform Fee (5.5%)", "$0.80"), ("Total", "$10.80")),
                          screen.plain())
            screen.type("y\n")
            self.assertEqual(screen.end(), 0)
            self.assertIn("New balance: $110.00", screen.shown)
            screen = Screen(world, "--mock", "keys", "revoke", hash_)
            screen.until("undone")
            screen.type("y\n")
            self.assertEqual(screen.end(), 0)
            self.assertEqual(world.mock("keys", "list")["total"], 0)

    def test_colours_only_where_they_are_wanted(self):
        with TokenWorld() as world:
            for options, variables, coloured in (([], {}, True), (["--no-color"], {}, False), ([], {"NO_COLOR": "1"}, False),
                                                 ([], {"TERM": "dumb"}, False), (["--json"], {}, False)):
                screen = Screen(world, "--mock", *options, "credits", "balance", **variables)
                self.assertEqual(screen.end(), 0)
                self.assertEqual("\x1b[36mMetric\x1b[39m" in screen.shown, coloured, (options, variables))
                if not coloured:
                    self.assertNotIn("\x1b[3", screen.shown)
            self.assertNotIn("\x1b", world.run("--mock", "credits", "balance", FORCE_COLOR="1").stdout)

    def test_a_watch_writes_one_line_over_and_over(self):
        with TokenWorld() as world:
            hash_ = world.mock("keys", "create", "--name", "agent")["hash"]
            screen = Screen(world, "--mock", "keys", "usage", hash_, "--watch", "--interval", "1")
            screen.until(r"Requests: 0.*\r\x1b\[K\[", 20)
            screen.type("\x03")
            self.assertEqual(screen.end(), 0)


if __name__ == "__main__":
    unittest.main()
