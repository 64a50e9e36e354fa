#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What the user says about one source.
struct SourceSettings {
  bool enabled = true;
  int priority = 0;  ///< of its credentials; a lower number is used first
};

/// The settings by the source's `cli`; a source that is not named has the defaults.
using SourceSettingsByCli = std::map<std::string, SourceSettings, std::less<>>;

/// Three facts about one CLI, kept apart on purpose: neither does a store prove that the program is
/// installed, nor does a program that is not on the path prove that there is no login.
struct CliFacts {
  std::string cli;
  std::string provider;
  bool names_programs = false;  ///< false: no program goes with it (.env files, the environment)
  std::optional<std::filesystem::path> program;        ///< the first of its programs on the path
  std::vector<std::filesystem::path> files_found;      ///< those that exist
  std::vector<std::filesystem::path> files_looked_at;  ///< all places, in the source's order
  std::vector<std::string> variables_set;              ///< names only
};

/// A source that could not even look.
struct SourceFailure {
  std::string cli;
  Error error;
};

/// What one look at all sources has brought.
struct Discovery {
  std::vector<Credential> credentials;  ///< merged; by priority, then own places before shared
                                        ///< ones, then the sources' order
  std::vector<CliFacts> clis;  ///< one for each enabled source, in the order of the sources
  std::vector<SourceFailure> failures;  ///< those sources have no credentials in the list
};

namespace detail {

CliFacts cli_facts(std::string_view cli, std::string_view provider,
                   std::span<const std::string_view> programs,
                   std::vector<std::filesystem::path> files,
                   std::span<const std::string_view> variables, const Environment& environment);

void add_discovered(Discovery& discovery, std::string_view cli, int priority,
                    Result<std::vector<Credential>> found);

void finish_discovery(Discovery& discovery);

}  // namespace detail

/// Several sources that are looked at together.
///
/// @code
/// Sources sources{KimiCli{}, AcmeCli{}};
/// const Discovery discovery = sources.discover_all(Environment::of_process());
/// @endcode
template <class... S> class Sources {
  static_assert(
      (CredentialSource<S> && ...),
      "every member of Sources must be a CredentialSource: write "
      "static_assert(credpool::CredentialSource<MySource>) after yours to see what is missing");

 public:
  /// The names of the CLIs, in the order of the sources.
  static constexpr std::array<std::string_view, sizeof...(S)> clis{std::string_view{S::cli}...};

  Sources() requires(std::default_initializable<S>&&...) = default;
  explicit Sources(S... sources) requires(sizeof...(S) > 0) : sources_{std::move(sources)...} {}

  /// Looks once at every enabled source.
  ///
  /// A source that fails does not stop the others. The same token in several places is one
  /// credential (see merge_same_tokens); it takes its properties from the source of the lowest
  /// priority number, among equals from one that has it in a place of its own (see Place::shared),
  /// and among those from the first one.
  ///
  /// @param opened what costly stores held when they were last opened: those that have not changed
  ///               are not opened, and what they hold has no secret (Credential::unread). Null: all
  ///               are opened.
  /// @effects reads files, as the sources do; writes nothing, runs nothing
  /// @thread_safety safe when the sources' `discover` is
  Discovery discover_all(const Environment& environment, const SourceSettingsByCli& settings = {},
                         OpenedStores* opened = nullptr) const {
    Discovery discovery;
    std::apply(
        [&](const S&... source) {
          (look_at(source, environment, settings, opened, discovery), ...);
        },
        sources_);
    detail::finish_discovery(discovery);
    return discovery;
  }

  /// Where that login stands and how it is refreshed there.
  /// @errors unsupported when no source keeps such logins; else what its source answers
  Result<std::unique_ptr<LoginStore>> login_store(const Credential& credential,
                                                  const Environment& environment) const {
    Result<std::unique_ptr<LoginStore>> answer =
        fail(Errc::unsupported, "refreshing " + credential.profile_id, credential.cli,
             "its store is only read; let " + credential.cli + " refresh it");
    const auto ask = [&](const auto& source) {
      if constexpr (StoresLogins<std::remove_cvref_t<decltype(source)>>) {
        auto store = source.login_store(credential, environment);
        if (!store && store.error().errc() == Errc::unsupported) return false;
        answer = std::move(store);
        return true;
      }
      return false;
    };
    std::apply([&](const S&... source) { (void)(ask(source) || ...); }, sources_);
    return answer;
  }

  /// Calls `visit(source)` for each source, in order.
  template <class F> void for_each(F&& visit) const {
    std::apply([&](const S&... source) { (visit(source), ...); }, sources_);
  }

 private:
  template <class Source>
  static void look_at(const Source& source, const Environment& environment,
                      const SourceSettingsByCli& settings, OpenedStores* opened,
                      Discovery& discovery) {
    const auto named = settings.find(std::string_view{Source::cli});
    const auto chosen = named == settings.end() ? SourceSettings{} : named->second;
    if (!chosen.enabled) return;
    discovery.clis.push_back(facts_of(source, environment));
    const auto discover = [&] {
      if constexpr (OpensCostlyStores<Source>)
        return source.discover(environment, opened);
      else
        return source.discover(environment);
    };
    auto found = discover();
    // What could not be read just now may be readable the next moment, with every file as it is.
    if (!found || std::any_of(found->begin(), found->end(), [](const Credential& credential) {
          return credential.reason == Reason::unreadable;
        }))
      environment.note_untold();
    detail::add_discovered(discovery, Source::cli, chosen.priority, std::move(found));
  }

  template <class Source>
  static CliFacts facts_of(const Source& source, const Environment& environment) {
    std::vector<std::string_view> programs;
    std::vector<std::filesystem::path> files;
    std::vector<std::string_view> variables;
    if constexpr (NamesItsPrograms<Source>)
      programs.assign(Source::programs.begin(), Source::programs.end());
    if constexpr (NamesItsFiles<Source>) files = source.locations(environment);
    if constexpr (NamesItsVariables<Source>)
      variables.assign(Source::variables.begin(), Source::variables.end());
    return detail::cli_facts(Source::cli, Source::provider, programs, std::move(files), variables,
                             environment);
  }

  std::tuple<S...> sources_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/sources.ipp>
#endif
