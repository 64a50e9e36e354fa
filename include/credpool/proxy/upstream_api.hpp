#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings.hpp>
#include <credpool/core/result.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/proxy/operation.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What happens to a header that the client sent under the same name.
enum class HeaderRule {
  set,       ///< ours replaces it
  fallback,  ///< the client's stays; ours is sent when it has none
  append,    ///< both are sent as one list ("a,b"), ours once
};

/// A header that a provider wants; its name is in lower case.
struct UpstreamHeader {
  std::string name;
  std::string value;  ///< never secret
  HeaderRule rule = HeaderRule::set;
};

/// How the secret is sent: `header: prefix + secret`.
struct UpstreamAuth {
  std::string header;  ///< in lower case
  std::string prefix;  ///< "Bearer " or empty
};

/// Where one operation goes with one credential. Everything but the secret.
struct UpstreamTarget {
  std::string origin;                   ///< "https://api.openai.com", without a slash at the end
  std::string path;                     ///< "/v1/chat/completions"
  std::vector<UpstreamHeader> headers;  ///< our own `user-agent` among them
  UpstreamAuth auth;
};

/// What one credential can serve, and where. Made once per credential and configuration, then only
/// looked at: target() makes nothing.
///
/// @thread_safety safe: immutable once made
class UpstreamPlan {
 public:
  /// Where that operation goes; null when the credential does not serve it.
  const UpstreamTarget* target(Operation operation) const noexcept {
    const auto& found = targets_[static_cast<std::size_t>(operation)];
    return found ? &*found : nullptr;
  }
  bool serves(Operation operation) const noexcept { return target(operation) != nullptr; }

  /// Why that operation is not served, and what would serve it.
  Error refusal(Operation operation) const;

 private:
  friend UpstreamPlan upstream_plan(const Credential& credential, const Settings& settings);
  static constexpr std::size_t operations = static_cast<std::size_t>(Operation::models) + 1;

  std::array<std::optional<UpstreamTarget>, operations> targets_;
  std::string provider_;
  std::string_view why_;  ///< one sentence about the provider and kind; may be empty
};

/// What a credential serves, by its provider and kind.
///
/// Its address is, in this order: `baseUrls` of the settings, the one that its own store names,
/// the provider's. One that is not safe to send a secret to (see is_safe_base_url()) serves
/// nothing. A provider that the user added is where the configuration says. Nothing is translated:
/// a provider that speaks another protocol serves nothing.
///
/// Requests go out as `credpool/<version>`; no other client is posed as.
UpstreamPlan upstream_plan(const Credential& credential, const Settings& settings);

/// The same for one operation.
/// @errors unsupported: why, and which providers serve it
Result<UpstreamTarget> upstream_target(const Credential& credential, Operation operation,
                                       const Settings& settings);

/// The providers of the table that serve an operation, in its order, each by its usual id.
std::vector<std::string_view> providers_serving(Operation operation);

/// How an operation is called in texts for a person: "chat/completions".
std::string_view shown_operation(Operation operation) noexcept;

/// A provider may be known under several ids ("claude" and "anthropic"): the first one of its row
/// in the table, or `provider` itself when it is in none.
std::string_view usual_provider_id(std::string_view provider) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/upstream_api.ipp>
#endif
