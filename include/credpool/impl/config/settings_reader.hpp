#pragma once
// SPDX-License-Identifier: MIT

// Applies one configuration document to the settings. Internal: included by .ipp files only.

#include <credpool/config/json5_edit.hpp>
#include <credpool/config/settings_file.hpp>
#include <credpool/core/encoding.hpp>
#include <credpool/impl/config/config_files.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Reads the members of documents into a report: types and bounds are checked, origins noted.
class SettingsReader {
 public:
  SettingsReader(SettingsReport& report, const ConfigFiles& files, const Environment& environment)
      : report_{report}, files_{files}, environment_{environment} {}

  /// Applies an object of settings; later calls win over earlier ones.
  void apply(const Json5Value& root) {
    auto& s = report_.settings;
    members(
        root, "",
        {{"enabled", [&](auto& m, auto& path) { flag(m, path, s.enabled); }},
         {"scanOnStartup", [&](auto& m, auto& path) { flag(m, path, s.scan_on_startup); }},
         {"autoImport", [&](auto& m, auto& path) { flag(m, path, s.auto_import); }},
         {"validateTokens", [&](auto& m, auto& path) { flag(m, path, s.validate_tokens); }},
         {"rotationStrategy", [&](auto& m, auto& path) { strategy(m, path); }},
         {"cliSources", [&](auto& m, auto& path) { cli_sources(m, path); }},
         {"baseUrls",
          [&](auto& m, auto& path) {
            each(m, path,
                 [&](auto& member, auto& at) { url(member, at, s.base_urls[member.key]); });
            std::erase_if(s.base_urls, [](const auto& entry) { return entry.second.empty(); });
          }},
         {"oauth", [&](auto& m, auto& path) { oauth(m, path); }},
         {"policy",
          [&](auto& m, auto& path) {
            words<ProviderUse>(m, path, s.policy,
                               {ProviderUse::allow, ProviderUse::ask, ProviderUse::forbid});
          }},
         {"ownership",
          [&](auto& m, auto& path) {
            words<Ownership>(m, path, s.ownership,
                             {Ownership::borrow, Ownership::co_own, Ownership::adopt});
          }},
         {"weights",
          [&](auto& m, auto& path) {
            each(m, path, [&](auto& member, auto& at) {
              double weight = 0;
              if (number(member, at, 0, 1000, weight)) s.weights[member.key] = weight;
            });
          }},
         {"models",
          [&](auto& m, auto& path) { name_lists(m, path, "an array of model names", s.models); }},
         {"order",
          [&](auto& m, auto& path) { name_lists(m, path, "an array of profile ids", s.order); }},
         {"cooldown",
          [&](auto& m, auto& path) {
            members(m.value, path + ".",
                    {{"ladderSeconds", [&](auto& l, auto& at) { ladder(l, at); }}});
          }},
         {"affinity",
          [&](auto& m, auto& path) {
            members(m.value, path + ".",
                    {{"mode",
                      [&](auto& mode, auto& at) {
                        word<AffinityMode>(
                            mode, at, s.affinity_mode,
                            {AffinityMode::none, AffinityMode::soft, AffinityMode::hard});
                      }},
                     {"loadFactor", [&](auto& factor, auto& at) {
                        number(factor, at, 1, 10, s.affinity_load_factor);
                      }}});
          }},
         {"admission", [&](auto& m, auto& path) { admission(m, path); }},
         {"store",
          [&](auto& m, auto& path) {
            const auto given = text(m.value, path);
            if (!given) return;
            if (!is_safe_store_address(*given))
              return refuse(m.value, path, "expected postgresql://host/database without a password",
                            "put the password into ~/.pgpass");
            s.store = *given;
            note(m, path);
          }},
         {"historyPath", [&](auto& m, auto& path) { file_path(m, path, s.history_path); }},
         {"stateDirectory", [&](auto& m, auto& path) { file_path(m, path, s.state_directory); }},
         {"providers", [&](auto& m, auto& path) { providers(m, path); }},
         {"proxy", [&](auto& m, auto& path) { proxy(m, path); }},
         {"$schema", [](auto&, auto&) {}}});
  }

  /// The `enabled` of a plugin's entry.
  void apply_enabled(const Json5Member& member) {
    flag(member, "enabled", report_.settings.enabled);
  }

  bool is_object(const Json5Value& value, const std::string& path) {
    if (value.object() != nullptr) return true;
    wrong(value, path, "an object", "write { ... }");
    return false;
  }

 private:
  using Read = std::function<void(const Json5Member&, const std::string& path)>;
  struct Known {
    std::string_view key;
    Read read;
  };

  void problem(SettingsProblem::Severity severity, const Json5Range& at, const std::string& path,
               std::string text, std::string hint) {
    report_.problems.push_back({severity, Errc::configuration, path, files_.place_of(at),
                                std::move(text), std::move(hint)});
  }
  void refuse(const Json5Value& value, const std::string& path, std::string text,
              std::string hint) {
    problem(SettingsProblem::Severity::error, value.range, path, std::move(text), std::move(hint));
  }
  void wrong(const Json5Value& value, const std::string& path, const std::string& wanted,
             std::string hint) {
    refuse(value, path, "expected " + wanted + ", found " + std::string{to_string(value.type())},
           std::move(hint));
  }
  void note(const Json5Member& member, const std::string& path) {
    report_.origins[path] = files_.place_of(member.value.range);
  }

  /// Reads an object whose keys are fixed; what is unknown is warned about.
  void members(const Json5Value& value, const std::string& prefix,
               std::initializer_list<Known> known) {
    if (!is_object(value, prefix.substr(0, prefix.size() - (prefix.empty() ? 0 : 1)))) return;
    for (const auto& member : *value.object()) {
      const auto path = prefix + json5_shown(member.key);
      const auto entry = std::find_if(known.begin(), known.end(),
                                      [&](const Known& k) { return k.key == member.key; });
      if (entry != known.end()) {
        entry->read(member, path);
        continue;
      }
      std::vector<std::string_view> names;
      for (const auto& k : known) names.push_back(k.key);
      const auto nearest = nearest_name(member.key, names);
      problem(SettingsProblem::Severity::warning, member.key_range, path, "unknown key",
              nearest ? "did you mean \"" + std::string{*nearest} + "\"?" : "remove it");
    }
  }

  /// Reads an object whose keys are names of the user's.
  void each(const Json5Member& member, const std::string& path, const Read& read) {
    if (!is_object(member.value, path)) return;
    for (const auto& entry : *member.value.object())
      read(entry, path + "." + json5_shown(entry.key));
  }

  void flag(const Json5Member& member, const std::string& path, bool& target) {
    const auto* value = member.value.boolean();
    if (value == nullptr)
      return wrong(member.value, path, "true or false", "write true or false, without quotes");
    target = *value;
    note(member, path);
  }

  bool number(const Json5Member& member, const std::string& path, double low, double high,
              double& target) {
    const auto* value = member.value.number();
    const auto range = write_json5(low) + " to " + write_json5(high);
    if (value == nullptr) {
      wrong(member.value, path, "a number", "write a number from " + range + ", without quotes");
      return false;
    }
    if (!(*value >= low && *value <= high)) {
      refuse(member.value, path, "expected a number from " + range, "");
      return false;
    }
    target = *value;
    note(member, path);
    return true;
  }

  bool whole(const Json5Member& member, const std::string& path, int low, int high, int& target) {
    double value = 0;
    if (!number(member, path, low, high, value)) return false;
    if (value != std::floor(value)) {
      refuse(member.value, path, "expected a whole number", "");
      return false;
    }
    target = static_cast<int>(value);
    return true;
  }

  /// A string with its variables replaced.
  std::optional<std::string> text(const Json5Value& value, const std::string& path) {
    if (value.string() == nullptr) {
      wrong(value, path, "a string", "put it in quotes");
      return std::nullopt;
    }
    auto replaced = substitute_variables(*value.string(), environment_);
    if (replaced) return *std::move(replaced);
    refuse(value, path, "the variable " + replaced.error().place + " is not set",
           "set it, or write $${" + replaced.error().place + "} for the text itself");
    return std::nullopt;
  }

  template <class E>
  bool word(const Json5Member& member, const std::string& path, E& target,
            std::initializer_list<E> choices) {
    const auto given = text(member.value, path);
    if (!given) return false;
    std::vector<std::string_view> names;
    for (const auto choice : choices) {
      names.push_back(to_string(choice));
      if (*given != names.back()) continue;
      target = choice;
      note(member, path);
      return true;
    }
    refuse_word(member.value, path, *given, names);
    return false;
  }
  template <class E>
  void words(const Json5Member& member, const std::string& path, Settings::ByName<E>& target,
             std::initializer_list<E> choices) {
    each(member, path, [&](const Json5Member& entry, const std::string& at) {
      E value{};
      if (word(entry, at, value, choices)) target[entry.key] = value;
    });
  }
  void refuse_word(const Json5Value& value, const std::string& path, std::string_view given,
                   std::span<const std::string_view> names) {
    std::string list;
    for (const auto name : names) list += (list.empty() ? "\"" : ", \"") + std::string{name} + '"';
    const auto nearest = nearest_name(given, names);
    refuse(value, path, "expected one of " + list,
           nearest ? "did you mean \"" + std::string{*nearest} + "\"?" : "");
  }

  void strategy(const Json5Member& member, const std::string& path) {
    const auto given = text(member.value, path);
    if (!given) return;
    const auto names = rotation_strategy_names();
    if (std::find(names.begin(), names.end(), *given) == names.end())
      return refuse_word(member.value, path, *given, names);
    report_.settings.rotation_strategy = *given;
    note(member, path);
  }

  void cli_sources(const Json5Member& member, const std::string& path) {
    each(member, path, [&](const Json5Member& entry, const std::string& at) {
      auto& source = report_.settings.cli_sources[entry.key];
      members(entry.value, at + ".",
              {{"enabled", [&](auto& m, auto& p) { flag(m, p, source.enabled); }},
               {"priority", [&](auto& m, auto& p) { whole(m, p, 0, 1000000, source.priority); }}});
    });
  }

  /// An address that tokens may be sent to.
  void url(const Json5Member& member, const std::string& path, std::string& target) {
    const auto given = text(member.value, path);
    if (!given) return;
    if (!is_safe_base_url(*given))
      return refuse(member.value, path,
                    "expected an https URL without user name, query or fragment",
                    "http is allowed to a loopback address only: http://127.0.0.1:8080");
    target = *given;
    note(member, path);
  }

  void oauth(const Json5Member& member, const std::string& path) {
    each(member, path, [&](const Json5Member& entry, const std::string& at) {
      auto& server = report_.settings.oauth[entry.key];
      members(entry.value, at + ".",
              {{"tokenUrl", [&](auto& m, auto& p) { url(m, p, server.token_url); }},
               {"deviceUrl", [&](auto& m, auto& p) { url(m, p, server.device_url); }},
               {"authorizeUrl", [&](auto& m, auto& p) { url(m, p, server.authorize_url); }},
               {"clientId",
                [&](auto& m, auto& p) {
                  const auto id = text(m.value, p);
                  if (!id) return;
                  if (id->empty() || !is_safe_token(*id))
                    return refuse(m.value, p, "expected an OAuth client id", "");
                  server.client_id = *id;
                  note(m, p);
                }},
               {"clientSecretFile",
                [&](auto& m, auto& p) { file_path(m, p, server.client_secret_file); }}});
    });
  }

  void name_lists(const Json5Member& member, const std::string& path, const char* wanted,
                  Settings::ByName<std::vector<std::string>>& target) {
    each(member, path, [&](const Json5Member& entry, const std::string& at) {
      if (entry.value.array() == nullptr)
        return wrong(entry.value, at, wanted, "write [\"name\", ...]");
      std::vector<std::string> names;
      for (const auto& element : *entry.value.array()) {
        auto name = text(element, at);
        if (!name) return;
        names.push_back(*std::move(name));
      }
      target[entry.key] = std::move(names);
      note(entry, at);
    });
  }

  void ladder(const Json5Member& member, const std::string& path) {
    constexpr double longest = 7.0 * 24 * 3600;
    const auto* steps = member.value.array();
    if (steps == nullptr || steps->empty() || steps->size() > 16)
      return wrong(member.value, path, "an array of 1 to 16 numbers of seconds",
                   "write [60, 300, 1500, 3600]");
    std::vector<std::chrono::seconds> rests;
    for (const auto& step : *steps) {
      const auto* seconds = step.number();
      const bool good = seconds != nullptr && *seconds >= 1 && *seconds <= longest &&
                        *seconds == std::floor(*seconds);
      if (!good) return refuse(step, path, "expected whole seconds from 1 to 604800", "");
      rests.emplace_back(static_cast<std::chrono::seconds::rep>(*seconds));
      if (rests.size() > 1 && rests.back() < rests[rests.size() - 2])
        return refuse(step, path, "expected a rest that is not shorter than the one before", "");
    }
    report_.settings.cooldown_ladder = std::move(rests);
    note(member, path);
  }

  void admission(const Json5Member& member, const std::string& path) {
    auto& s = report_.settings;
    if (const auto* object = member.value.object(); object != nullptr) {
      bool given = false;
      members(member.value, path + ".", {{"fixed", [&](auto& m, auto& p) {
                                            given = whole(m, p, 1, 100000, s.admission_limit);
                                            report_.origins.erase(p);
                                            if (!given) return;
                                            s.admission_mode = AdmissionMode::fixed;
                                            note(member, path);
                                          }}});
      if (object->empty()) refuse(member.value, path, "expected a limit", "write { fixed: 4 }");
      return;
    }
    AdmissionMode mode{};
    if (!word(member, path, mode, {AdmissionMode::unlimited, AdmissionMode::aimd})) return;
    s.admission_mode = mode;
    s.admission_limit = 0;
  }

  /// "~" is the home directory; a relative path counts from the file that says it.
  void file_path(const Json5Member& member, const std::string& path,
                 std::filesystem::path& target) {
    const auto given = text(member.value, path);
    if (!given) return;
    if (given->empty()) return refuse(member.value, path, "expected a path", "remove the key");
    target = given->starts_with('~')
                 ? environment_.expand(*given)
                 : (files_.file_of(member.value.range).parent_path() / *given).lexically_normal();
    note(member, path);
  }

  /// Providers of the user's own. One without an address is no provider; it is left out.
  void providers(const Json5Member& member, const std::string& path) {
    auto& all = report_.settings.providers;
    each(member, path, [&](const Json5Member& entry, const std::string& at) {
      if (!is_provider_name(entry.key))
        return refuse(entry.value, at, "a provider's name has letters, digits, '-', '_' and '.'",
                      "choose another name");
      auto& provider = all[entry.key];
      const auto before = report_.problems.size();
      members(entry.value, at + ".",
              {{"baseUrl", [&](auto& m, auto& p) { url(m, p, provider.base_url); }},
               {"api", [&](auto& m, auto& p) { provider_api(m, p, provider.api); }},
               {"keyVariable", [&](auto& m, auto& p) { key_variable(m, p, provider); }},
               {"keyFile", [&](auto& m, auto& p) { file_path(m, p, provider.key_file); }},
               {"apiKey", [&](auto& m, auto& p) { api_key(m, p, provider); }},
               {"models", [&](auto& m, auto& p) { provider_models(m, p, provider.models); }}});
      if (provider.base_url.empty() && report_.problems.size() == before)
        refuse(entry.value, at, "expected a baseUrl", "write { baseUrl: \"https://...\" }");
    });
    std::erase_if(all, [](const auto& entry) { return entry.second.base_url.empty(); });
  }

  static bool is_provider_name(std::string_view name) {
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return !name.empty() && name.size() <= 64 &&
           name.find_first_not_of(allowed) == std::string_view::npos;
  }
  static bool is_variable_name(std::string_view name) {
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return !name.empty() && name.size() <= 128 &&
           name.find_first_not_of(allowed) == std::string_view::npos;
  }

  /// Our two words, and those of OpenClaw that mean the same.
  void provider_api(const Json5Member& member, const std::string& path, ProviderApi& target) {
    const auto* given = member.value.string();
    if (given != nullptr && (*given == "openai-completions" || *given == "openai-responses")) {
      target = ProviderApi::openai;
      note(member, path);
    } else if (given != nullptr && *given == "anthropic-messages") {
      target = ProviderApi::anthropic;
      note(member, path);
    } else {
      word(member, path, target, {ProviderApi::openai, ProviderApi::anthropic});
    }
  }

  void key_variable(const Json5Member& member, const std::string& path,
                    ProviderSettings& provider) {
    const auto name = text(member.value, path);
    if (!name) return;
    if (!is_variable_name(*name))
      return refuse(member.value, path, "expected the name of an environment variable",
                    "write the name only, such as \"ACME_API_KEY\"");
    provider.key_variable = *name;
    note(member, path);
  }

  /// A reference to a variable, as OpenClaw writes it. A key that stands here itself is refused: it
  /// would be shown with the settings, and files of settings are shared.
  void api_key(const Json5Member& member, const std::string& path, ProviderSettings& provider) {
    std::string_view name;
    if (const auto* given = member.value.string(); given != nullptr) {
      name = *given;
      name = name.starts_with("${") && name.ends_with('}') ? name.substr(2, name.size() - 3)
                                                           : std::string_view{};
    } else if (member.value.object() != nullptr) {
      const auto* source = member.value.find("source");
      const auto* id = member.value.find("id");
      const bool variable = source != nullptr && source->string() != nullptr &&
                            *source->string() == "env" && id != nullptr && id->string() != nullptr;
      if (variable) name = *id->string();
    }
    if (!is_variable_name(name))
      return refuse(member.value, path, "expected a reference to an environment variable",
                    "write \"${ACME_API_KEY}\", or name a file with keyFile: no key stands here");
    provider.key_variable = name;
    note(member, path);
  }

  /// Names, or objects with an `id` as in OpenClaw's list of models.
  void provider_models(const Json5Member& member, const std::string& path,
                       std::vector<std::string>& target) {
    if (member.value.array() == nullptr)
      return wrong(member.value, path, "an array of model names", "write [\"name\", ...]");
    std::vector<std::string> names;
    for (const auto& element : *member.value.array()) {
      const auto* id = element.find("id");
      auto name = text(id == nullptr ? element : *id, path);
      if (!name) return;
      names.push_back(*std::move(name));
    }
    target = std::move(names);
    note(member, path);
  }

  void proxy(const Json5Member& member, const std::string& path) {
    auto& s = report_.settings.proxy;
    members(member.value, path + ".",
            {{"listen",
              [&](auto& m, auto& p) {
                const auto given = text(m.value, p);
                if (!given) return;
                if (!is_listen_address(*given))
                  return refuse(m.value, p, "expected \"host:port\" or \"unix:<path>\"",
                                "write \"127.0.0.1:8484\"");
                s.listen = *given;
                note(m, p);
              }},
             {"models",
              [&](auto& m, auto& p) {
                each(m, p, [&](auto& entry, auto& at) { model_targets(entry, at); });
              }},
             {"hold", [&](auto& m, auto& p) { whole_seconds(m, p, 0, 3600, s.hold); }},
             {"maxAttempts", [&](auto& m, auto& p) { whole(m, p, 1, 32, s.max_attempts); }},
             {"maxBodyBytes",
              [&](auto& m, auto& p) {
                int bytes = 0;
                if (whole(m, p, 1 << 10, 1 << 30, bytes))
                  s.max_body_bytes = static_cast<std::size_t>(bytes);
              }},
             {"timeouts", [&](auto& m, auto& p) { timeouts(m, p, s.timeouts); }}});
  }

  void timeouts(const Json5Member& member, const std::string& path, ProxyTimeouts& t) {
    const auto wait = [this](std::chrono::seconds& target) {
      return [this, &target](const Json5Member& m, const std::string& p) {
        whole_seconds(m, p, 1, 86400, target);
      };
    };
    members(member.value, path + ".",
            {{"requestHead", wait(t.request_head)},
             {"requestBody", wait(t.request_body)},
             {"connect", wait(t.connect)},
             {"firstByte", wait(t.first_byte)},
             {"idle", wait(t.idle)},
             {"drain", wait(t.drain)}});
  }

  void whole_seconds(const Json5Member& member, const std::string& path, int low, int high,
                     std::chrono::seconds& target) {
    int seconds = 0;
    if (whole(member, path, low, high, seconds)) target = std::chrono::seconds{seconds};
  }

  void model_targets(const Json5Member& member, const std::string& path) {
    constexpr std::size_t most = 16;
    const auto* list = member.value.array();
    if (list != nullptr && (list->empty() || list->size() > most))
      return refuse(member.value, path, "expected 1 to 16 models", "");
    std::vector<ModelTarget> targets;
    const auto add = [&](const Json5Value& value) {
      const auto target = model_target(value, path, member.key);
      if (target) targets.push_back(*target);
      return target.has_value();
    };
    if (list == nullptr) {
      if (!add(member.value)) return;
    } else {
      for (const auto& element : *list)
        if (!add(element)) return;
    }
    report_.settings.proxy.models[member.key] = std::move(targets);
    note(member, path);
  }

  /// "<provider>/<model>" or {provider, model}; without a model it is `name`.
  std::optional<ModelTarget> model_target(const Json5Value& value, const std::string& path,
                                          const std::string& name) {
    ModelTarget target;
    if (value.object() != nullptr) {
      const auto read = [&](const Json5Member& m, const std::string& p, std::string& into) {
        if (auto given = text(m.value, p)) into = *std::move(given);
      };
      members(value, path + ".",
              {{"provider", [&](auto& m, auto& p) { read(m, p, target.provider); }},
               {"model", [&](auto& m, auto& p) { read(m, p, target.model); }}});
      if (target.model.empty()) target.model = name;
    } else {
      const auto given = text(value, path);
      if (!given) return std::nullopt;
      const auto slash = given->find('/');
      if (slash != std::string::npos) target = {given->substr(0, slash), given->substr(slash + 1)};
    }
    if (!target.provider.empty() && !target.model.empty()) return target;
    refuse(value, path, "expected a provider and a model",
           "write \"<provider>/<model>\" or { provider: \"...\", model: \"...\" }");
    return std::nullopt;
  }

  SettingsReport& report_;
  const ConfigFiles& files_;
  const Environment& environment_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
