#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/credential/login_store.hpp>
#include <credpool/source/opened_stores.hpp>

#include <concepts>
#include <memory>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// A place where a CLI keeps its logins.
///
/// `cli` and `provider` name it. `discover` reads what is there: it never writes, never runs a
/// program, never uses the network and never blocks on a file. Nothing there is an empty list; a
/// login that is found and cannot be used is a credential with a reason; an error means that not
/// even looking was possible (no home directory).
///
/// @see docs/concepts/CredentialSource.md for the table of valid expressions
template <class S>
concept CredentialSource = requires(const S& source, const Environment& environment) {
  { S::cli } -> std::convertible_to<std::string_view>;
  { S::provider } -> std::convertible_to<std::string_view>;
  // Constants of the type: a non-static member would do for the two lines above.
  requires std::bool_constant<(std::string_view{S::cli}.size() > 0)>::value;
  requires std::bool_constant<(std::string_view{S::provider}.size() > 0)>::value;
  { source.discover(environment) } -> std::same_as<Result<std::vector<Credential>>>;
};

/// A source that can also say which programs belong to it, in the order of preference:
/// `static constexpr std::array<std::string_view, N> programs`.
template <class S>
concept NamesItsPrograms = CredentialSource<S> && requires {
  { S::programs.size() } -> std::convertible_to<std::size_t>;
  { S::programs[0] } -> std::convertible_to<std::string_view>;
};

/// A source that can also say which files it looks at in this environment.
template <class S>
concept NamesItsFiles = CredentialSource<S> &&
    requires(const S& source, const Environment& environment) {
  { source.locations(environment) } -> std::same_as<std::vector<std::filesystem::path>>;
};

/// A source that can also say which environment variables its CLI takes keys from.
template <class S>
concept NamesItsVariables = CredentialSource<S> && requires {
  { S::variables.size() } -> std::convertible_to<std::size_t>;
  { S::variables[0] } -> std::convertible_to<std::string_view>;
};

/// A source with a store that is costly to open: it need not open one that has not changed.
template <class S>
concept OpensCostlyStores = CredentialSource<S> &&
    requires(const S& source, const Environment& environment, OpenedStores* opened) {
  { source.discover(environment, opened) } -> std::same_as<Result<std::vector<Credential>>>;
};

/// A source whose logins can be refreshed where they stand: it knows its CLI's locks and how to
/// write its file. `login_store` answers unsupported for a credential that is no such login.
template <class S>
concept StoresLogins = CredentialSource<S> &&
    requires(const S& source, const Credential& credential, const Environment& environment) {
  {
    source.login_store(credential, environment)
    } -> std::same_as<Result<std::unique_ptr<LoginStore>>>;
};

}  // namespace credpool::inline CREDPOOL_ABI
