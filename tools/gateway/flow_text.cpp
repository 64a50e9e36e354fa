// SPDX-License-Identifier: MIT
#include "flow_text.hpp"

#include <credpool/validation/shown_text.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::string_view mask = "***";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_letter(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z');
}

bool is_address(std::string_view word) {
  return word.starts_with("https://") || word.starts_with("http://");
}

/// Whether a word may be a key or a token: it begins as one, or is long and mixed as no word is.
bool may_be_token(std::string_view word) {
  constexpr std::array prefixes{"sk-",  "AIza",        "xai-",   "gsk_", "ghp_",  "gho_",
                                "ghu_", "github_pat_", "sgamp_", "eyJ",  "ya29.", "1//"};
  constexpr std::size_t shortest_with_prefix = 12;
  constexpr std::size_t shortest = 32;
  if (word.size() >= shortest_with_prefix &&
      std::any_of(prefixes.begin(), prefixes.end(),
                  [&](std::string_view prefix) { return word.starts_with(prefix); }))
    return true;
  return word.size() >= shortest && std::any_of(word.begin(), word.end(), is_digit) &&
         std::any_of(word.begin(), word.end(), is_letter);
}

/// Whether a parameter of that name holds what nobody else may see.
bool is_telling(std::string_view name) {
  constexpr std::array names{"access_token", "refresh_token", "id_token", "token",
                             "api_key",      "apikey",        "key",      "client_secret",
                             "secret",       "password",      "code",     "assertion"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// An address without its user's part and with its telling parameters masked. What a login's page
/// needs (state, challenge, client, code for a person) stays.
std::string masked_address(std::string_view address) {
  constexpr std::size_t longest_harmless = 12;  // "code=true", "user_code=ABCD-EFGH"
  const auto begin = address.find("://") + 3;
  const auto path = std::min(address.find_first_of("/?#", begin), address.size());
  std::string shown{address.substr(0, begin)};
  const auto host = address.substr(begin, path - begin);
  const auto at = host.rfind('@');
  shown += at == std::string_view::npos ? host : host.substr(at + 1);
  auto rest = address.substr(path);
  while (!rest.empty()) {
    const auto end = std::min(rest.find_first_of("?&#", 1), rest.size());
    const auto part = rest.substr(0, end);
    rest.remove_prefix(end);
    const auto equals = part.find('=');
    const bool is_parameter = part.find_first_of("?&#") == 0 && equals != std::string_view::npos;
    if (is_parameter && is_telling(part.substr(1, equals - 1)) &&
        part.size() - equals - 1 > longest_harmless) {
      shown += part.substr(0, equals + 1);
      shown += mask;
    } else if (!is_parameter && (part.find("/sk-") != std::string_view::npos ||
                                 part.find("eyJ") != std::string_view::npos)) {
      shown += "/";
      shown += mask;
    } else {
      shown += part;
    }
  }
  return shown;
}

/// A word with every part of it that may be a token masked: KEY=sk-..., "sk-...", (sk-...).
std::string masked_word(std::string_view word) {
  if (const auto at = word.find("http");
      at != std::string_view::npos && is_address(word.substr(at)))
    return std::string{word.substr(0, at)} + masked_address(word.substr(at));
  const auto of_token = [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.' || c == '+' ||
           c == '/' || c == '~';
  };
  std::string shown;
  while (!word.empty()) {
    const auto end = static_cast<std::size_t>(std::find_if_not(word.begin(), word.end(), of_token) -
                                              word.begin());
    const auto part = word.substr(0, end);
    shown += may_be_token(part) ? mask : part;
    word.remove_prefix(end);
    if (word.empty()) break;
    shown += word.front();
    word.remove_prefix(1);
  }
  return shown;
}

/// The part of the text up to the next blank.
std::string_view next_word(std::string_view text) {
  return text.substr(0, text.find(' '));
}

}  // namespace

std::vector<std::string> LineSplitter::feed(std::string_view bytes) {
  constexpr std::size_t longest = 8192;
  std::vector<std::string> lines;
  for (const char c : bytes) {
    const bool ends = c == '\n' || c == '\r';
    if (!ends) rest_ += c;
    if (!ends && rest_.size() < longest) continue;
    if (!rest_.empty()) lines.push_back(std::exchange(rest_, {}));
  }
  return lines;
}

std::string LineSplitter::take_rest() {
  return std::exchange(rest_, {});
}

std::string shown_output(std::string_view line, const cp::Secret& typed, std::size_t max_bytes) {
  constexpr std::size_t shortest_secret = 8;  // "y" is none
  cp::Credential known;
  if (typed.size() >= shortest_secret) known.secret = typed;
  // Masked before it is cut: the half of a token is no better.
  const auto plain = cp::shown_text(line, known, line.size() + 1);
  std::string shown;
  for (std::string_view rest{plain}; !rest.empty();) {
    const auto word = next_word(rest);
    shown += masked_word(word);
    rest.remove_prefix(word.size());
    if (rest.empty()) break;
    shown += ' ';
    rest.remove_prefix(1);
  }
  return cp::shown_text(shown, {}, max_bytes);
}

std::string_view address_in(std::string_view line) noexcept {
  for (const std::string_view scheme : {"https://", "http://"}) {
    const auto at = line.find(scheme);
    if (at == std::string_view::npos) continue;
    auto address = next_word(line.substr(at));
    address = address.substr(0, address.find_first_of("\"'<>`|"));
    while (!address.empty() && (address.back() == '.' || address.back() == ',' ||
                                address.back() == ')' || address.back() == ']'))
      address.remove_suffix(1);
    if (address.size() > scheme.size()) return address;
  }
  return {};
}

std::string_view user_code_in(std::string_view line) noexcept {
  const auto of_code = [](char c) { return is_upper(c) || is_digit(c); };
  while (!line.empty()) {
    auto word = next_word(line);
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    if (word.ends_with('.') || word.ends_with(',')) word.remove_suffix(1);
    constexpr std::size_t half = 4;
    const bool fits = (word.size() == 2 * half + 1 || word.size() == 2 * half + 2) &&
                      word[half] == '-' &&
                      std::all_of(word.begin(), word.begin() + half, of_code) &&
                      std::all_of(word.begin() + half + 1, word.end(), of_code);
    // A year and a number is none.
    if (fits && std::any_of(word.begin(), word.end(), is_upper)) return word;
  }
  return {};
}

bool looks_like_question(std::string_view rest) noexcept {
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  return rest.ends_with(':') || rest.ends_with('?') || rest.ends_with('>') || rest.ends_with(']');
}

}  // namespace credpool_cli
