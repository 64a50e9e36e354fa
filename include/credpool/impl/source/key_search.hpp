#pragma once
// SPDX-License-Identifier: MIT

// Finds keys among named values, wherever these come from: the environment, a .env file, the `env`
// section of a settings file. Internal: included by .ipp files only.

#include <credpool/core/encoding.hpp>
#include <credpool/source/key_variables.hpp>
#include <credpool/source/store_file.hpp>

#include <algorithm>
#include <functional>
#include <map>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

using NamedValues = std::map<std::string, std::string, std::less<>>;

/// The value of that name; empty when it is not there, since the CLIs take empty for unset.
inline std::string_view named_value(const NamedValues& values, std::string_view name) {
  const auto found = values.find(name);
  return found == values.end() ? std::string_view{} : std::string_view{found->second};
}

/// What tells one found key from others.
struct FoundKey {
  std::string_view cli;
  std::string_view provider;  ///< unless the base URL tells another
  Kind kind = Kind::api_key;
  std::string label;     ///< second half of the profile id
  std::string base_url;  ///< empty: the provider's default
};

/// Makes the credential of a key; one that may not stand in a header is listed as unusable.
inline Credential key_credential(const FoundKey& key, std::string_view value, Place place) {
  const auto told = provider_of_base_url(key.base_url);
  const auto provider = told.empty() ? key.provider : told;
  auto credential =
      is_safe_token(value)
          ? Credential::api_key(key.cli, provider, Secret{value})
          : Credential::unusable(key.cli, provider, place.location + '#' + place.pointer,
                                 Reason::unsafe_token,
                                 "the key has characters that may not stand in a header");
  credential.kind = key.kind;
  credential.profile_id = std::string{provider} + ':' + key.label;
  credential.base_url = key.base_url;
  while (credential.base_url.ends_with('/')) credential.base_url.pop_back();
  place.cli = key.cli;
  credential.places.push_back(std::move(place));
  return credential;
}

/// Says of a key from a file that the environment has another one under that name.
inline void note_if_shadowed(Credential& credential, const NamedValues& environment,
                             std::string_view name, std::string_view value) {
  const auto present = named_value(environment, name);
  if (present.empty() || present == value || !credential.detail.empty()) return;
  credential.detail = "the environment variable " + std::string{name} + " goes before this one";
}

/// Where and for whom to look.
struct KeySearch {
  std::string_view cli;     ///< of the source that reports what is found
  std::string_view reader;  ///< look only for variables that this CLI reads; empty: for all
  bool rotation = false;    ///< look for OpenClaw's lists and numbered variables too
  const NamedValues& values;
  const NamedValues&
      environment;  ///< goes before `values`; its base URL serves when those name none
  std::function<Place(std::string_view name, std::string_view pointer)> place;
};

/// Whether `<P>_API_KEY_<suffix>` says something about a key instead of being one.
inline bool describes_a_key(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> endings{"_AUTH_MECHANISM", "_FILE", "_PATH", "_HELPER",
                                                    "_URL"};
  return std::any_of(endings.begin(), endings.end(),
                     [&](auto ending) { return name.ends_with(ending); });
}

class KeyCollector {
 public:
  KeyCollector(const KeySearch& search, std::vector<Credential>& found)
      : search_{search}, found_{found} {}

  void collect() {
    for (const auto& row : key_variables)
      if (search_.reader.empty() || row.read_by(search_.reader)) collect(row);
  }

 private:
  void collect(const KeyVariable& row) {
    constexpr std::string_view ending = "_API_KEY";
    const bool family = search_.rotation && row.name.ends_with(ending);
    const auto stem =
        std::string{row.name.substr(0, row.name.size() - (family ? ending.size() : 0))};
    if (family) {
      one(row, "OPENCLAW_LIVE_" + stem + "_KEY");
      list(row, "OPENCLAW_LIVE_" + stem + "_KEYS");
      list(row, stem + "_API_KEYS");
    }
    one(row, row.name);
    if (family) {
      const auto prefix = stem + "_API_KEY_";
      for (auto entry = search_.values.lower_bound(prefix);
           entry != search_.values.end() && entry->first.starts_with(prefix); ++entry)
        if (!describes_a_key(entry->first)) one(row, entry->first);
    }
  }

  void one(const KeyVariable& row, std::string_view name) {
    if (const auto value = named_value(search_.values, name); !value.empty())
      add(row, name, value, {}, std::string{name});
  }

  void list(const KeyVariable& row, std::string_view name) {
    constexpr std::string_view separators = " \t\r\n,;";
    auto rest = named_value(search_.values, name);
    for (int index = 0;; ++index) {
      rest.remove_prefix(std::min(rest.find_first_not_of(separators), rest.size()));
      if (rest.empty()) return;
      const auto value = rest.substr(0, rest.find_first_of(separators));
      rest.remove_prefix(value.size());
      add(row, name, value, std::to_string(index),
          std::string{name} + '-' + std::to_string(index + 1));
    }
  }

  void add(const KeyVariable& row, std::string_view name, std::string_view value,
           std::string_view pointer, std::string label) {
    FoundKey key{search_.cli, row.provider, row.kind, std::move(label), std::string{row.base_url}};
    if (!row.base_url_variable.empty()) {
      auto base = named_value(search_.values, row.base_url_variable);
      if (base.empty()) base = named_value(search_.environment, row.base_url_variable);
      if (!base.empty()) key.base_url = base;
    }
    found_.push_back(key_credential(key, value, search_.place(name, pointer)));
    note_if_shadowed(found_.back(), search_.environment, name, value);
  }

  const KeySearch& search_;
  std::vector<Credential>& found_;
};

/// Appends the keys among the named values, in the order of the table and of OpenClaw's rotation.
inline void collect_keys(const KeySearch& search, std::vector<Credential>& found) {
  KeyCollector{search, found}.collect();
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
