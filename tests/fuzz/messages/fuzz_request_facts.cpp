// SPDX-License-Identifier: MIT
// The reader of request bodies beside a real JSON parser: what we take, it takes, and it sees the
// same; what it takes and we do not is refused for another reason than that it is no JSON.
#include <credpool/proxy/request_facts.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace cp = credpool;

namespace {

using Json = nlohmann::json;

void must(bool holds) {
  if (!holds) std::abort();
}

std::string text_of(const Json& body, const char* name) {
  const auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : "";
}

/// What may be lost is a text that is longer than we keep.
void same(const std::string& ours, const std::string& theirs) {
  must(ours == theirs || (ours.empty() && theirs.size() > 80));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto ours = cp::read_request_facts(text);
  // It takes NUL for the end, and a byte order mark for nothing.
  if (text.find('\0') != std::string_view::npos) {
    must(!ours);
    return 0;
  }
  const auto theirs = Json::parse(text, nullptr, false);
  if (!ours) {
    must(theirs.is_discarded() || ours.error().errc() != cp::Errc::malformed);
    return 0;
  }
  must(theirs.is_object());
  must(ours->model == text_of(theirs, "model"));
  same(ours->user, text_of(theirs, "user"));
  same(ours->prompt_cache_key, text_of(theirs, "prompt_cache_key"));
  same(ours->previous_response_id, text_of(theirs, "previous_response_id"));
  must(ours->stream == (theirs.contains("stream") && theirs["stream"] == true));
  must(ours->conversation.has_value() == (theirs.contains("messages") || theirs.contains("input")));
  must(ours->prompt_bytes <= size);
  if (ours->model_bytes == 0) return 0;

  auto changed = theirs;
  changed["model"] = "an \"other\" one";
  const auto rewritten = cp::with_model(text, *ours, "an \"other\" one");
  must(Json::parse(rewritten, nullptr, false) == changed);
  must(cp::read_request_facts(rewritten).has_value());
  return 0;
}
