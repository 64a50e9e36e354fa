// SPDX-License-Identifier: MIT
// Feeds generated documents to our JSON5 reader and to the reference implementation and compares what
// both say. Usage: node compare.mjs PROGRAM MODULE [COUNT [SEED]]
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const [program, modulePath, count = "20000", seed = "1"] = process.argv.slice(2);
const JSON5 = createRequire(import.meta.url)(modulePath);

console.warn = () => {}; // the reference warns about U+2028 in strings, which we generate on purpose

// mulberry32: the same documents for the same seed.
let state = Number(seed) >>> 0;
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const below = (limit) => Math.floor(random() * limit);
const one = (list) => list[below(list.length)];

const blank = () => (below(3) ? "" : one([" ", "\n", "\t", "\r\n", "/*x*/", "//y\n", "\u00a0", "\ufeff", "\u2028", "\v", "\f", "\u3000"]));
const number = () => {
  const digits = () => String(below(10 ** below(12)));
  return one(["", "", "-", "+"]) + one([
    () => digits(), () => digits() + ".", () => "." + digits(), () => digits() + "." + digits(),
    () => digits() + one(["e", "E"]) + one(["", "-", "+"]) + below(400), () => "0x" + below(2 ** 32).toString(16),
    () => "0X" + "f".repeat(1 + below(40)), () => "0" + digits(), () => "Infinity", () => "NaN", () => "9007199254740993",
    () => "0x", () => "1e", () => ".", () => "2.2250738585072011e-308",
  ])();
};
const string = () => {
  const quote = one(["'", '"']);
  let body = "";
  for (let i = below(6); i > 0; --i)
    body += one(["a", "\\n", "\\x41", "\\u00e9", "\\ud83d\\ude00", "\\\n", "\\\r\n", "\\0", "\\v", "\\'", '\\"', "\\\\", "\\z", "\u00e9", "\u2028", "\\1", "\\x4", "/", quote === "'" ? '"' : "'"]);
  return quote + body + quote;
};
const key = () => one([() => one(["a", "b", "$c", "_d", "nul", "true", "\u00e9", "e\\u0066", "g1", "\u4e2d", "h\u0301", "1x", "k-k", "\\u0031"]) + below(50), string, string])();
const value = (depth) => {
  const kind = below(depth > 4 ? 3 : 6);
  if (kind === 0) return one(["null", "true", "false", "nul", "Null"]);
  if (kind === 1) return number();
  if (kind === 2) return string();
  const parts = [];
  for (let i = below(5); i > 0; --i) parts.push(blank() + (kind < 5 ? key() + blank() + ":" + blank() : "") + value(depth + 1) + blank());
  const body = parts.join(",") + (below(4) ? "" : one([",", ",", ",,"])) + blank();
  return kind < 5 ? `{${body}}` : `[${body}]`;
};

const hex = (text) => Buffer.from(text, "utf8").toString("hex");
const canonical = (v) => {
  if (v === null) return "null";
  if (typeof v === "boolean") return v ? "t" : "f";
  if (typeof v === "string") return "s" + hex(v);
  if (typeof v === "number") {
    if (Number.isNaN(v)) return "nan";
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(v);
    return "d" + bytes.toString("hex");
  }
  if (Array.isArray(v)) return "[" + v.map((e) => canonical(e) + ",").join("") + "]";
  return "{" + Object.entries(v).map(([k, e]) => hex(k) + ":" + canonical(e) + ",").join("") + "}";
};

// JavaScript moves keys that look like array indexes to the front, and keeps the last of two equal
// keys. The first is a matter of order only, the second we refuse: both are kept out of the documents.
const comparable = (text, parsed) => {
  let keys = 0;
  let fine = true;
  JSON5.parse(text, function (k) { if (!Array.isArray(this) && k !== "") { ++keys; if (/^\d+$/.test(k)) fine = false; } else if (k === "" && this[""] !== parsed) fine = false; return this[k]; });
  return fine;
};

const documents = [];
const expected = [];
while (documents.length < Number(count)) {
  const text = blank() + value(0) + blank();
  let wanted = "refused";
  try {
    const parsed = JSON5.parse(text);
    if (!comparable(text, parsed)) continue;
    wanted = canonical(parsed);
  } catch {
    // refused it is
  }
  documents.push(text);
  expected.push(wanted);
}

const run = spawnSync(program, { input: documents.map((d) => d + "\0").join(""), maxBuffer: 1 << 30 });
const answers = run.stdout.toString().trimEnd().split("\n");
let bad = 0;
let doubled = 0;
answers.forEach((answer, i) => {
  if (answer === expected[i]) return;
  // The one difference by design: a doubled key. The reference must have dropped a member.
  const keys = (s) => (s.match(/[0-9a-f]*:/g) ?? []).length;
  if (answer === "refused" && keys(expected[i]) < (documents[i].match(/:/g) ?? []).length) { ++doubled; return; }
  if (++bad <= 5) console.error(JSON.stringify({ document: documents[i], reference: expected[i], ours: answer }));
});
const accepted = expected.filter((e) => e !== "refused").length;
console.log(`${documents.length} documents, ${accepted} accepted by the reference, ${doubled} with doubled keys, ${bad} differ`);
process.exit(answers.length === documents.length && bad === 0 && accepted > documents.length / 10 ? 0 : 1);
