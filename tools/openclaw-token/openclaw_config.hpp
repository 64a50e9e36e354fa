#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/json5_value.hpp>
#include <credpool/core/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace openclaw_token {

/// The provider's name in OpenClaw's configuration.
inline constexpr std::string_view provider_name = "openclaw-token-fallback";

/// What adding the provider did to the text, so that it can be undone.
struct IntegrationTrace {
  /// Objects and arrays that were not there before, as paths from the top, outer ones first.
  std::vector<std::vector<std::string>> created;
  bool model_was_text = false;  ///< agents.defaults.model was the name of a model
};

struct Integration {
  std::string text;
  IntegrationTrace trace;
};

/// The provider as OpenClaw's schema has it: a custom provider, which must name its models.
/// @param key stands in it in clear, as OpenClaw needs it
credpool::Json5Value openclaw_provider(std::string_view base_url, std::string_view key,
                                       const std::vector<std::string>& models);

/// Adds (or replaces) the provider, and its first model as the last fallback. Every other byte of
/// the JSON5 text stays, comments included; an empty text counts as "{}".
/// @errors those of edit_json5(); a mistake when something of another shape is in the way
credpool::Result<Integration> add_integration(std::string_view text,
                                              const credpool::Json5Value& provider,
                                              std::string_view first_model);

/// Takes the provider and its fallbacks out, and what was made for them and is empty now.
/// @errors those of remove_json5()
credpool::Result<std::string> remove_integration(std::string_view text,
                                                 const IntegrationTrace& trace);

/// The provider's base URL; none when it is not there.
/// @errors those of parse_json5()
credpool::Result<std::optional<std::string>> integrated_base_url(std::string_view text);

}  // namespace openclaw_token
