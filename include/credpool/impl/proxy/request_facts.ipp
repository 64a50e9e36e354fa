#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/request_facts.hpp>

#include <credpool/impl/core/json.hpp>
#include <credpool/impl/proxy/facts_hash.hpp>
#include <credpool/impl/proxy/json_reader.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

enum class FactsKey : unsigned char {
  model,
  stream,
  max_tokens,
  max_completion_tokens,
  max_output_tokens,
  prompt_cache_key,
  user,
  metadata,
  stream_options,
  n,
  previous_response_id,
  system,
  instructions,
  messages,
  input,
  prompt,
  tools,
  other,
};

/// In the order of the enumerators.
inline constexpr std::array<std::string_view, 17> facts_keys{
    "model",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "prompt_cache_key",
    "user",
    "metadata",
    "stream_options",
    "n",
    "previous_response_id",
    "system",
    "instructions",
    "messages",
    "input",
    "prompt",
    "tools",
};

inline FactsKey facts_key(std::string_view name) noexcept {
  // The first letter tells nearly all of them apart.
  const auto found =
      std::find_if(facts_keys.begin(), facts_keys.end(), [name](std::string_view key) {
        return key.size() == name.size() && key.front() == name.front() && key == name;
      });
  return static_cast<FactsKey>(found - facts_keys.begin());
}

/// Lower case as parsers that match keys in any case fold it: with U+017F and U+212A, whose simple
/// foldings are "s" and "k".
inline std::string facts_folded(std::string_view name) {
  std::string folded;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const char c = name[at];
    if (c >= 'A' && c <= 'Z') {
      folded += static_cast<char>(c - 'A' + 'a');
    } else if (name.substr(at, 2) == "\xc5\xbf") {
      folded += 's';
      at += 1;
    } else if (name.substr(at, 3) == "\xe2\x84\xaa") {
      folded += 'k';
      at += 2;
    } else {
      folded += c;
    }
  }
  return folded;
}

/// Whether the name may look like another one in other letters.
inline bool facts_needs_folding(std::string_view name) noexcept {
  return std::any_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || static_cast<signed char>(c) < 0;
  });
}

class RequestFactsReader {
 public:
  /// @param facts as a new one is
  RequestFactsReader(std::string_view body, RequestFacts& facts) noexcept
      : reader_{body}, facts_{facts} {}

  Result<void> read() {
    if (body_object()) return {};
    return fail(reader_.code(), "reading the request's body",
                "byte " + std::to_string(reader_.offset()), reader_.problem());
  }

 private:
  static constexpr std::size_t max_model_bytes = 256;
  static constexpr std::size_t max_session_bytes = 512;

  bool body_object() {
    reader_.skip_blanks();
    if (reader_.at_end()) return reader_.refuse("it is empty");
    if (reader_.front() != '{')
      return reader_.refuse("it is no JSON object", Errc::invalid_argument);
    if (!reader_.object(1, [this](std::string_view key) { return member(key); })) return false;
    reader_.skip_blanks();
    if (!reader_.at_end()) return reader_.refuse("something stands after the object");
    if (has(FactsKey::messages) || has(FactsKey::input))
      facts_.conversation = facts_fold(instructions_ ^ conversation_, facts_odd);
    return true;
  }

  bool has(FactsKey key) const noexcept { return (seen_ >> static_cast<int>(key) & 1U) != 0; }

  bool twice() { return reader_.refuse("a key stands twice", Errc::duplicate_key); }

  /// The text of a string between its quotes, decoded.
  static std::string decoded(std::string_view quoted) {
    const auto inside = quoted.substr(1, quoted.size() - 2);
    if (inside.find('\\') == std::string_view::npos) return std::string{inside};
    const auto parsed = parse_json(quoted);
    return parsed && parsed->is_string() ? parsed->get<std::string>() : std::string{};
  }

  /// Whether a key, between its quotes, has that name; `name` is plain ASCII.
  static bool named(std::string_view key, std::string_view name) {
    if (key == name) return true;
    if (key.find('\\') == std::string_view::npos || key.size() > 6 * name.size()) return false;
    return decoded({key.data() - 1, key.size() + 2}) == name;
  }

  bool member(std::string_view key) {
    auto which = facts_key(key);
    if (which == FactsKey::other && key.size() <= max_key_bytes) {
      if (key.find('\\') != std::string_view::npos) {
        const auto name = decoded({key.data() - 1, key.size() + 2});
        which = facts_key(name);
        if (which == FactsKey::other && looks_alike(name)) return false;
      } else if (looks_alike(key)) {
        return false;
      }
    }
    if (which == FactsKey::other) return reader_.value(1);
    if (has(which)) return twice();
    seen_ |= 1U << static_cast<int>(which);
    if (which == FactsKey::stream_options) facts_.has_stream_options = true;

    const auto from = reader_.offset();
    if ((which == FactsKey::messages || which == FactsKey::input) && reader_.front() == '[')
      return turns();
    if (which == FactsKey::metadata && reader_.front() == '{') return metadata();
    if (which == FactsKey::stream_options && reader_.front() == '{') return stream_options();
    return reader_.value(1) && keep(which, from, reader_.since(from));
  }

  bool looks_alike(std::string_view name) {
    if (!facts_needs_folding(name) || facts_key(facts_folded(name)) == FactsKey::other)
      return false;
    reader_.refuse("a key differs only in its case from one that counts", Errc::duplicate_key);
    return true;
  }

  bool keep(FactsKey which, std::size_t from, std::string_view value) {
    switch (which) {
      case FactsKey::model:
        if (!value.starts_with('"')) return wrong("the model is not a string");
        if (value.size() > max_model_bytes) return wrong("the model's name is too long");
        facts_.model = decoded(value);
        facts_.model_at = from;
        facts_.model_bytes = value.size();
        return true;
      case FactsKey::stream:
        if (value != "true" && value != "false" && value != "null")
          return wrong("stream is neither true nor false");
        facts_.stream = value == "true";
        return true;
      case FactsKey::max_tokens:
      case FactsKey::max_completion_tokens:
      case FactsKey::max_output_tokens:
        return count(value, facts_.max_output_tokens);
      case FactsKey::n:
        return count(value, facts_.n);
      case FactsKey::prompt_cache_key:
        return session(value, facts_.prompt_cache_key);
      case FactsKey::user:
        return session(value, facts_.user);
      case FactsKey::previous_response_id:
        return session(value, facts_.previous_response_id);
      case FactsKey::system:
      case FactsKey::instructions:
        // Not where in the body they stand, only what they are.
        instructions_ ^= facts_hash_of_ends(value, static_cast<std::uint64_t>(which));
        facts_.prompt_bytes += value.size();
        return true;
      case FactsKey::messages:
      case FactsKey::input:
        conversation_ ^= facts_hash_of_ends(value, static_cast<std::uint64_t>(which));
        facts_.prompt_bytes += value.size();
        return true;
      case FactsKey::prompt:
        facts_.prompt_template = value.starts_with('{');
        [[fallthrough]];
      case FactsKey::tools:
        facts_.prompt_bytes += value.size();
        return true;
      case FactsKey::metadata:
      case FactsKey::stream_options:
      case FactsKey::other:
        return true;
    }
    return true;
  }

  bool wrong(const char* problem) { return reader_.refuse(problem, Errc::invalid_argument); }

  /// A whole number; the larger one when there is one already.
  bool count(std::string_view value, std::optional<std::uint64_t>& kept) {
    if (value == "null") return true;
    std::uint64_t number = 0;
    const auto [last, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || last != value.data() + value.size())
      return wrong("a limit is not a whole number");
    kept = std::max(kept.value_or(0), number);
    return true;
  }

  bool session(std::string_view value, std::string& kept) {
    if (value.starts_with('"') && value.size() <= max_session_bytes) kept = decoded(value);
    return true;
  }

  bool metadata() {
    bool seen = false;
    return reader_.object(2, [&](std::string_view key) {
      const auto from = reader_.offset();
      if (!named(key, "user_id")) return reader_.value(2);
      if (std::exchange(seen, true)) return twice();
      return reader_.value(2) && session(reader_.since(from), facts_.metadata_user_id);
    });
  }

  bool stream_options() {
    bool seen = false;
    return reader_.object(2, [&](std::string_view key) {
      const auto from = reader_.offset();
      if (!named(key, "include_usage")) return reader_.value(2);
      if (std::exchange(seen, true)) return twice();
      if (!reader_.value(2)) return false;
      const auto value = reader_.since(from);
      if (value == "true" || value == "false") facts_.include_usage = value == "true";
      return true;
    });
  }

  /// The messages of a conversation.
  bool turns() {
    const auto from = reader_.offset();
    std::size_t beginning = 0;  // bytes up to the end of the user's first message
    bool user = false;
    const bool read = reader_.array(2, [&] {
      if (user || reader_.front() != '{') return reader_.value(2);
      bool seen = false;
      if (!reader_.object(3, [&](std::string_view key) {
            const auto at = reader_.offset();
            if (!named(key, "role")) return reader_.value(3);
            if (std::exchange(seen, true)) return twice();
            if (!reader_.value(3)) return false;
            const auto role = reader_.since(at);
            user = role.starts_with('"') && decoded(role) == "user";
            return true;
          }))
        return false;
      if (user) beginning = reader_.offset() - from;
      return true;
    });
    if (!read) return false;
    const auto all = reader_.since(from);
    conversation_ ^= facts_hash_of_ends(user ? all.substr(0, beginning) : all, 0);
    facts_.prompt_bytes += all.size();
    return true;
  }

  /// As long as the longest name that is read can be when each of its bytes is escaped.
  static constexpr std::size_t max_key_bytes = 6 * 21;

  JsonReader reader_;
  RequestFacts& facts_;
  unsigned seen_ = 0;
  std::uint64_t instructions_ = 0;
  std::uint64_t conversation_ = 0;
};

}  // namespace detail

CREDPOOL_INLINE Result<RequestFacts> read_request_facts(std::string_view body) {
  Result<RequestFacts> facts;
  if (auto read = read_request_facts(body, *facts); !read) facts = fail(std::move(read).error());
  return facts;
}

CREDPOOL_INLINE Result<void> read_request_facts(std::string_view body, RequestFacts& facts) {
  return detail::RequestFactsReader{body, facts}.read();
}

CREDPOOL_INLINE std::string with_model(std::string_view body, const RequestFacts& facts,
                                       std::string_view model) {
  std::string changed{body.substr(0, facts.model_at)};
  changed += detail::dump_json(detail::Json(model));
  changed += body.substr(facts.model_at + facts.model_bytes);
  return changed;
}

CREDPOOL_INLINE std::string with_usage_asked_for(std::string_view body) {
  constexpr std::string_view asked = R"("stream_options":{"include_usage":true},)";
  const auto inside = body.find('{') + 1;  // blanks aside, it is the first byte
  std::string out;
  out.reserve(body.size() + asked.size());
  return out.append(body.substr(0, inside)).append(asked).append(body.substr(inside));
}

CREDPOOL_INLINE bool may_read_more_than_body(std::string_view body,
                                             const RequestFacts& facts) noexcept {
  if (!facts.previous_response_id.empty() || facts.prompt_template) return true;
  // Names of members, and values of `type`, over all dialects. Where they stand does not matter.
  constexpr std::array<std::string_view, 10> marks{
      "image",       "input_image", "file",  "input_file",   "audio",
      "input_audio", "document",    "video", "conversation", "container"};
  constexpr std::string_view letters = "4567";  // the third digit of a Latin letter's number
  if (body.empty()) return false;
  // One pass from quote to quote; most of a prompt lies between two.
  for (auto rest = body;;) {
    const auto* quote = static_cast<const char*>(std::memchr(rest.data(), '"', rest.size()));
    if (quote == nullptr) break;
    rest.remove_prefix(static_cast<std::size_t>(quote - rest.data()) + 1);
    if (rest.empty()) break;
    const char first = rest.front();
    if (first != 'i' && first != 'f' && first != 'a' && first != 'd' && first != 'v' &&
        first != 'c')
      continue;
    if (std::any_of(marks.begin(), marks.end(), [&](auto mark) { return rest.starts_with(mark); }))
      return true;
  }
  // A letter that is written as its number may stand in any of those names.
  constexpr std::string_view number = "u00";
  for (auto rest = body; !rest.empty();) {
    const auto* found = static_cast<const char*>(std::memchr(rest.data(), '\\', rest.size()));
    if (found == nullptr) return false;
    rest.remove_prefix(static_cast<std::size_t>(found - rest.data()) + 1);
    if (rest.size() > number.size() && rest.starts_with(number) &&
        letters.find(rest[number.size()]) != std::string_view::npos)
      return true;
  }
  return false;
}

}  // namespace credpool::inline CREDPOOL_ABI
