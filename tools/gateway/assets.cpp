// SPDX-License-Identifier: MIT
#include "assets.hpp"

#include <credpool/core/file.hpp>
#include <credpool/gateway/access.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

cp::Answer no_such_file() {
  return cp::gateway_error(404, "NOT_FOUND", "there is no such file");
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// Calls it with each element of a comma-separated list until it says yes.
template <class Says> bool any_of_list(std::string_view list, const Says& says) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (says(trimmed(list.substr(0, comma)))) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

/// Whether a peer takes gzip: named, and not with a weight of zero.
bool takes_gzip(const cp::RequestHead& head) {
  return any_of_list(head.header("accept-encoding").value_or(""), [](std::string_view coding) {
    const auto semicolon = coding.find(';');
    if (!cp::same_header_name(trimmed(coding.substr(0, semicolon)), "gzip")) return false;
    if (semicolon == std::string_view::npos) return true;
    const auto weight = trimmed(coding.substr(semicolon + 1));
    return weight.find_first_not_of("q=0.") != std::string_view::npos;
  });
}

/// Weak comparison, as If-None-Match wants it (RFC 9110, section 13.1.2).
bool has_it(const cp::RequestHead& head, std::string_view etag) {
  return any_of_list(head.header("if-none-match").value_or(""), [&](std::string_view one) {
    if (one.starts_with("W/")) one.remove_prefix(2);
    return one == etag || one == "*";
  });
}

struct KnownType {
  std::string_view suffix;
  std::string_view type;
};
/// As embed_ui.py has them.
constexpr std::array<KnownType, 9> known_types{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".webmanifest", "application/manifest+json"},
}};

/// Hands a file that is in memory to a peer at the peer's pace.
class FileStream final : public cp::ExchangeListener {
 public:
  FileStream(std::shared_ptr<cp::ServerExchange> exchange, std::string_view bytes)
      : exchange_{std::move(exchange)}, rest_{bytes} {}

  void go_on() {
    constexpr std::size_t piece = 4 << 10;  // what the server may have to copy
    while (exchange_) {
      const auto next = rest_.substr(0, piece);
      rest_.remove_prefix(next.size());
      exchange_->write(next);
      if (rest_.empty()) return std::exchange(exchange_, nullptr)->finish();
      if (!exchange_->flush()) return;
    }
  }

  void on_drained() override { go_on(); }
  void on_client_gone() override { exchange_.reset(); }

 private:
  std::shared_ptr<cp::ServerExchange> exchange_;
  std::string_view rest_;
};

}  // namespace

cp::Answer Assets::from_directory(std::string_view name) const {
  const bool safe = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == '/';
  });
  if (!safe || name.find("..") != std::string_view::npos || name.starts_with('/'))
    return no_such_file();
  const auto type = std::find_if(known_types.begin(), known_types.end(),
                                 [&](const KnownType& one) { return name.ends_with(one.suffix); });
  if (type == known_types.end()) return no_such_file();
  const auto file = cp::read_file(directory_ / name, environment_,
                                  {.max_bytes = 8U << 20, .holds_secret = false});
  if (!file) return no_such_file();
  cp::Answer answer;
  answer.headers.emplace_back("content-type", type->type);
  cp::add_security_headers(answer, true);
  answer.body = file->bytes.reveal();
  return answer;
}

cp::Answer Assets::answer(std::string_view name, const cp::RequestHead& head,
                          std::string_view& bytes) const {
  if (name.empty()) name = "index.html";
  if (!directory_.empty()) return from_directory(name);
  const auto* const begin = embedded_files();
  const auto* const end = begin + embedded_count();
  const auto* const file = std::lower_bound(
      begin, end, name,
      [](const EmbeddedFile& one, std::string_view wanted) { return one.name < wanted; });
  if (file == end || file->name != name) return no_such_file();
  const bool packed = !file->gzip.empty() && takes_gzip(head);
  const auto etag = "\"" + std::string{file->digest} + (packed ? "-gz\"" : "\"");
  cp::Answer answer;
  answer.headers = {{"etag", etag}, {"vary", "accept-encoding"}};
  cp::add_security_headers(answer, true);
  if (has_it(head, etag)) {
    answer.status = 304;
    return answer;
  }
  answer.headers.emplace_back("content-type", file->type);
  if (packed) answer.headers.emplace_back("content-encoding", "gzip");
  bytes = packed ? file->gzip : file->bytes;
  return answer;
}

void Assets::serve(const std::shared_ptr<cp::ServerExchange>& exchange,
                   std::string_view name) const {
  std::string_view bytes;
  const auto answer = this->answer(name, exchange->head(), bytes);
  if (bytes.empty()) return exchange->respond(answer);
  cp::AnswerHead head{.status = answer.status, .headers = {}, .content_length = bytes.size()};
  for (const auto& [key, value] : answer.headers) head.headers.push_back({key, value});
  const auto stream = std::make_shared<FileStream>(exchange, bytes);
  exchange->listen(stream);
  exchange->start(head);
  stream->go_on();
}

}  // namespace credpool_cli
