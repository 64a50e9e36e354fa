// SPDX-License-Identifier: MIT
#include "key_list.hpp"

#include "fault.hpp"
#include "values.hpp"

#include <credpool/account/money.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace openclaw_token {

namespace cp = credpool;

namespace {

constexpr std::size_t page_size = 500;

double usage_of(const Json& key) {
  return number_of(key, "usage");
}

/// For sorting as people do: letters before their case.
std::string folded(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace

cp::Result<KeyPage> some_keys(Api& api, bool with_revoked, std::size_t offset, std::size_t limit) {
  KeyPage keys;
  while (true) {
    const auto first = offset + keys.items.size();
    const auto wanted = std::min(page_size, limit - keys.items.size());
    const auto page =
        api.get("/keys?limit=" + std::to_string(wanted) + "&offset=" + std::to_string(first) +
                    (with_revoked ? "&include_revoked=true" : ""),
                "Fetching keys...");
    if (!page) return cp::fail(page.error());
    const auto items = page->find("items");
    if (items == page->end() || !items->is_array())
      return fault(Fault::not_understood, "The server's answer holds no list of keys.");
    keys.total = static_cast<std::size_t>(std::max(0.0, number_of(*page, "total")));
    // A server without pages gives everything at once.
    const bool everything = items->size() >= keys.total;
    for (auto i = everything ? first : 0; i < items->size() && keys.items.size() < limit; ++i)
      keys.items.push_back((*items)[i]);
    if (everything || items->empty() || keys.items.size() >= limit ||
        offset + keys.items.size() >= keys.total)
      return keys;
  }
}

cp::Result<std::vector<Json>> all_keys(Api& api, bool with_revoked) {
  auto keys = some_keys(api, with_revoked, 0, SIZE_MAX);
  if (!keys) return cp::fail(keys.error());
  return std::move(keys->items);
}

cp::Result<KeyFilter> key_filter(const std::string& expression) {
  if (expression == "active")
    return KeyFilter{[](const Json& key) { return !is_true(key, "disabled"); }};
  if (expression == "disabled")
    return KeyFilter{[](const Json& key) { return is_true(key, "disabled"); }};
  const auto wrong = mistake("Invalid filter \"" + expression + "\".",
                             "Use active, disabled, or usage with >, >=, <, <= or = and a number: "
                             "\"usage>10\"");
  constexpr std::string_view subject = "usage";
  if (!expression.starts_with(subject)) return wrong;
  std::string_view rest{expression};
  rest.remove_prefix(subject.size());
  const auto sign = rest.substr(0, std::min(rest.find_first_not_of("<>="), rest.size()));
  const auto limit = cp::parse_money(rest.substr(sign.size()));
  if (!limit) return wrong;
  const auto with = [&](auto compare) {
    return KeyFilter{[compare, bound = static_cast<double>(limit->micros) / 1e6](const Json& key) {
      return compare(usage_of(key), bound);
    }};
  };
  if (sign == ">") return with([](double a, double b) { return a > b; });
  if (sign == ">=") return with([](double a, double b) { return a >= b; });
  if (sign == "<") return with([](double a, double b) { return a < b; });
  if (sign == "<=") return with([](double a, double b) { return a <= b; });
  if (sign == "=") return with([](double a, double b) { return a == b; });
  return wrong;
}

cp::Result<void> sort_keys(std::vector<Json>& keys, const std::string& field) {
  const bool descending = field.starts_with('-');
  const auto name = descending ? field.substr(1) : field;
  const auto sort = [&](auto value_of) {
    std::stable_sort(keys.begin(), keys.end(), [&](const Json& a, const Json& b) {
      return descending ? value_of(b) < value_of(a) : value_of(a) < value_of(b);
    });
    return cp::Result<void>{};
  };
  if (name == "name")
    return sort([](const Json& key) {
      const auto text = shown(key, "name", "");
      return std::pair{folded(text), text};
    });
  if (name == "usage") return sort(usage_of);
  if (name == "created_at")
    return sort([](const Json& key) { return shown(key, "created_at", ""); });
  return mistake("Invalid sort field \"" + name + "\".", "Use name, usage or created_at.");
}

}  // namespace openclaw_token
