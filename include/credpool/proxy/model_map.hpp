#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings.hpp>
#include <credpool/core/result.hpp>
#include <credpool/proxy/operation.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// A provider that the pool holds credentials of, and what they can serve together.
struct ProviderOperations {
  std::string provider;  ///< as the credentials spell it
  std::vector<Operation> operations;
};

/// Which providers serve a model, in the order in which they are tried.
///
/// The first rule that names a provider which the pool holds and which speaks the operation wins:
/// 1. the user's own names (`proxy.models`), in their order;
/// 2. "<provider>/<model>", where that is a provider of the pool;
/// 3. the models that the configuration lists for a provider (`models`, `providers.*.models`);
/// 4. the families whose names tell their maker ("gpt-", "claude-", "gemini-", "kimi-" ...);
/// 5. the one provider of the pool that speaks the operation, when there is exactly one.
///
/// Made once per configuration and set of credentials, then only looked at.
/// @thread_safety safe: immutable once made
class ModelMap {
 public:
  ModelMap() = default;
  /// @param providers each once; the user's order
  ModelMap(const Settings& settings, std::vector<ProviderOperations> providers);

  /// @param model as the client wrote it
  /// @errors not_found when nothing serves it: what there is stands in the hint
  Result<std::vector<ModelTarget>> candidates(std::string_view model, Operation operation) const;

  /// The names that the configuration gives to models (the user's own first), each once: for a list
  /// of models. Only those of which a provider of the pool serves one.
  const std::vector<ModelTarget>& named_models() const noexcept { return named_; }

 private:
  struct Holder {
    std::string provider;
    std::uint32_t operations = 0;  ///< bit per Operation
  };

  const Holder* holder(std::string_view provider) const noexcept;
  bool serves(std::string_view provider, Operation operation) const noexcept;
  /// Whether the configuration lets that provider serve that model (`models`).
  bool takes(std::string_view provider, std::string_view model) const;
  /// Adds a provider, and those that are the same under another id ("claude", "anthropic").
  void add_maker(std::vector<ModelTarget>& found, std::string_view provider, std::string_view model,
                 Operation operation) const;
  void add_family(std::vector<ModelTarget>& found, std::string_view model,
                  Operation operation) const;
  Error not_found(std::string_view model, Operation operation) const;

  std::vector<Holder> holders_;
  std::map<std::string, std::vector<ModelTarget>, std::less<>> aliases_;
  std::map<std::string, std::vector<std::string>, std::less<>> listed_;  ///< model -> providers
  Settings::ByName<std::vector<std::string>> only_;  ///< provider -> all that it may serve
  std::vector<ModelTarget> named_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/model_map.ipp>
#endif
