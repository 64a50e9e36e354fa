# SPDX-License-Identifier: MIT
"""Stripe, as far as a server that sells credits sees it: checkout pages, refunds, disputes and signed webhooks."""
import hashlib
import hmac
import http.client
import http.server
import json
import threading
import time
import urllib.parse

SECRET_KEY, WEBHOOK_SECRET = "sk_test_fake", "whsec_fake"


class PlayedStripe(http.server.ThreadingHTTPServer):
    """`with PlayedStripe() as stripe:` on a free loopback port; `objects` is all it knows, by id."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), StripeHandler)
        self.objects, self.lock = {}, threading.Lock()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def variables(self) -> dict:
        """What leads a server here."""
        return {"STRIPE_API_BASE": f"http://127.0.0.1:{self.server_address[1]}", "STRIPE_SECRET_KEY": SECRET_KEY,
                "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET, "APP_BASE_URL": "https://shop.example"}

    def begin(self, form: dict) -> dict:
        number = str(len(self.objects) + 1)
        session = {"id": f"cs_test_{number}", "status": "open", "payment_status": "unpaid", "currency": "usd",
                   "amount_total": int(form["line_items[0][price_data][unit_amount]"]), "url": f"https://pay.example/cs_test_{number}"}
        self.objects[session["id"]] = session
        return session

    def pay(self, session: str) -> dict:
        """Somebody pays on the page."""
        self.objects[session].update(status="complete", payment_status="paid", payment_intent=f"pi_of_{session}")
        return self.objects[session]

    def put(self, id_: str, session: str, cents: int, status: str) -> dict:
        """A refund (re_...) or a dispute (dp_...)."""
        self.objects[id_] = {"id": id_, "payment_intent": self.objects[session]["payment_intent"], "amount": cents, "currency": "usd",
                             "status": status, "created": int(time.time())}
        return self.objects[id_]

    def listed(self, prefix: str, query: dict) -> dict:
        """The newest first, as Stripe lists them."""
        found = sorted((each for id_, each in self.objects.items() if id_.startswith(prefix)),
                       key=lambda each: (each.get("created", 0), each["id"]), reverse=True)
        if "payment_intent" in query:
            found = [each for each in found if each.get("payment_intent") == query["payment_intent"]]
        found = [each for each in found if each.get("created", 0) >= int(query.get("created[gte]", 0))]
        if after := query.get("starting_after"):
            found = found[[each["id"] for each in found].index(after) + 1:]
        limit = int(query.get("limit", 10))
        return {"object": "list", "data": found[:limit], "has_more": len(found) > limit}

    @staticmethod
    def tell(port: int, kind: str, thing: dict, secret: str = WEBHOOK_SECRET) -> tuple[int, dict]:
        """A webhook, signed, to a server on that port."""
        body = json.dumps({"id": "evt_1", "type": kind, "data": {"object": thing}})
        when = str(int(time.time()))
        mac = hmac.new(secret.encode(), f"{when}.{body}".encode(), hashlib.sha256).hexdigest()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("POST", "/webhooks/stripe", body, {"Stripe-Signature": f"t={when},v1={mac}",
                                                                  "Content-Type": "application/json; charset=utf-8"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


class StripeHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lists = {"/v1/checkout/sessions": "cs_", "/v1/refunds": "re_", "/v1/disputes": "dp_"}

    def log_message(self, *_):
        pass

    def answer(self, status: int, thing: dict) -> None:
        body = json.dumps(thing).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        stripe = self.server
        with stripe.lock:
            if self.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
                return self.answer(401, {"error": {}})
            if self.command == "POST" and address.path == "/v1/checkout/sessions":
                return self.answer(200, stripe.begin(dict(urllib.parse.parse_qsl(text))))
            if self.command == "GET" and address.path in self.lists:
                return self.answer(200, stripe.listed(self.lists[address.path], query))
            found = stripe.objects.get(address.path.rsplit("/", 1)[1])
            return self.answer(200, found) if found else self.answer(404, {"error": {}})

    do_GET = do_POST = handle_any
