#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/access_record.hpp>

#include <credpool/core/iso8601.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/validation/shown_text.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::size_t access_max_text = 128;

inline std::string access_milliseconds(std::chrono::microseconds time) {
  std::array<char, 40> text{};
  const auto count = std::max<long long>(time.count(), 0);
  const int size =
      std::snprintf(text.data(), text.size(), "%lld.%03lld", count / 1000, count % 1000);
  return {text.data(), static_cast<std::size_t>(size)};
}

inline bool looks_like_a_token(std::string_view part) noexcept {
  constexpr std::size_t longest_name = 48;
  return part.starts_with("sk-") || part.starts_with("cp-") || part.starts_with("cpg-") ||
         part.size() > longest_name;
}

inline std::string_view access_path(const AccessRecord& record) noexcept {
  const std::string_view path{record.path};
  return path.substr(0, path.find_first_of("?#"));
}

/// Writes the members of one JSON object.
class AccessJson {
 public:
  explicit AccessJson(std::string& line) : line_{line} {}

  void raw(std::string_view name, std::string_view value) {
    line_ += line_.empty() ? "{\"" : ",\"";
    line_ += name;
    line_ += "\":";
    line_ += value;
  }
  /// A text of ours, which needs no escapes.
  void word(std::string_view name, std::string_view value) {
    raw(name, "\"");
    line_ += value;
    line_ += '"';
  }
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    const auto shown = access_text(value, access_max_text);
    const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
    if (std::all_of(shown.begin(), shown.end(), plain))
      word(name, shown);
    else
      raw(name, dump_json(Json(shown)));
  }
  void count(std::string_view name, std::optional<std::uint64_t> value) {
    if (value) raw(name, std::to_string(*value));
  }

 private:
  std::string& line_;
};

/// A text as one word.
inline std::string access_word(std::string_view text) {
  auto word = access_text(text, access_max_text);
  std::replace(word.begin(), word.end(), ' ', '_');
  return word.empty() ? "-" : word;
}

}  // namespace detail

CREDPOOL_INLINE std::string_view to_string(Ending ending) noexcept {
  switch (ending) {
    case Ending::ok:
      return "ok";
    case Ending::client_gone:
      return "client_gone";
    case Ending::upstream_lost:
      return "upstream_lost";
    case Ending::refused:
      return "refused";
    case Ending::timed_out:
      return "timed_out";
  }
  return "unknown";
}

CREDPOOL_INLINE std::string access_text(std::string_view text, std::size_t max_bytes) {
  const auto plain = [](char c) { return c > ' ' && c <= '~'; };
  // Nearly every text is that: no need to look for characters.
  const auto clean = std::all_of(text.begin(), text.end(), plain) && text.size() <= max_bytes
                         ? std::string{text}
                         : shown_text(text, Credential{}, max_bytes);
  std::string shown;
  for (std::size_t at = 0; at <= clean.size();) {
    const auto end = std::min(clean.find('/', at), clean.size());
    const auto part = std::string_view{clean}.substr(at, end - at);
    shown += detail::looks_like_a_token(part) ? "***" : part;
    if (end != clean.size()) shown += '/';
    at = end + 1;
  }
  return shown;
}

CREDPOOL_INLINE std::string access_json_line(const AccessRecord& record) {
  std::string line;
  line.reserve(512);
  detail::AccessJson json{line};
  json.word("time", format_iso8601(record.time));
  json.text("requestId", record.request_id);
  json.text("peer", record.peer);
  json.text("key", record.key_name);
  json.text("who", record.who);
  json.text("method", record.method);
  json.text("path", detail::access_path(record));
  json.text("rpc", record.rpc);
  if (record.operation) json.word("operation", to_string(*record.operation));
  json.text("model", record.model);
  json.text("provider", record.provider);
  json.text("credential", record.credential);
  json.raw("attempts", std::to_string(record.attempts));
  json.raw("status", std::to_string(record.status));
  json.raw("bytesIn", std::to_string(record.bytes_in));
  json.raw("bytesOut", std::to_string(record.bytes_out));
  json.count("inputTokens", record.usage.input);
  json.count("cachedInputTokens", record.usage.cached_input);
  json.count("cacheWriteInputTokens", record.usage.cache_write_input);
  json.count("outputTokens", record.usage.output);
  json.count("reasoningTokens", record.usage.reasoning);
  json.count("totalTokens", record.usage.total);
  if (record.usage.malformed) json.raw("usageMalformed", "true");
  if (record.first_byte) json.raw("firstByteMs", detail::access_milliseconds(*record.first_byte));
  json.raw("totalMs", detail::access_milliseconds(record.total));
  json.word("ended", to_string(record.ending));
  return line + "}\n";
}

CREDPOOL_INLINE std::string access_text_line(const AccessRecord& record) {
  const auto count = [](std::optional<std::uint64_t> value) {
    return value ? std::to_string(*value) : std::string{"-"};
  };
  std::string line = format_iso8601(record.time);
  for (const std::string_view text :
       {std::string_view{record.request_id}, std::string_view{record.peer},
        std::string_view{record.who.empty() ? record.key_name : record.who},
        std::string_view{record.method}, detail::access_path(record)})
    line += ' ' + detail::access_word(text);
  line += ' ' + std::to_string(record.status) + ' ' + std::string{to_string(record.ending)};
  if (!record.rpc.empty()) line += " rpc=" + detail::access_word(record.rpc);
  line += " model=" + detail::access_word(record.model);
  line += " provider=" + detail::access_word(record.provider);
  line += " credential=" + detail::access_word(record.credential);
  line += " attempts=" + std::to_string(record.attempts);
  line += " in=" + std::to_string(record.bytes_in) + " out=" + std::to_string(record.bytes_out);
  line += " tokens=" + count(record.usage.input) + '/' + count(record.usage.output);
  line += " first=" +
          (record.first_byte ? detail::access_milliseconds(*record.first_byte) + "ms" : "-");
  return line + " total=" + detail::access_milliseconds(record.total) + "ms\n";
}

}  // namespace credpool::inline CREDPOOL_ABI
