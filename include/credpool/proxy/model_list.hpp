#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/proxy_settings.hpp>
#include <credpool/proxy/operation.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How much of the providers' lists is taken.
struct ModelListLimits {
  std::size_t max_answer_bytes = std::size_t{4} << 20;  ///< a longer answer is passed over
  std::size_t max_models = 10'000;                      ///< of all providers together
  std::size_t max_id_bytes = 256;                       ///< a longer id is passed over
};

/// One list out of several providers' lists of models.
///
/// First come the names of the user's own, then what the providers answered, in the order in which
/// it is added; an id is listed once, for the first one that has it. Nothing of an answer gets into
/// the list but ids, times and names, and those only as far as they are printable.
///
/// @thread_safety one object: caller serialises
class ModelList {
 public:
  explicit ModelList(ModelListLimits limits = {}) : limits_{limits} {}

  /// Adds names from the configuration (ModelMap::named_models()).
  void add_named(const std::vector<ModelTarget>& names);

  /// Adds one provider's answer: OpenAI's shape (also of Gemini's OpenAI-compatible address, whose
  /// ids begin with "models/", which is dropped), Anthropic's, and a bare array of either.
  /// @return how many models were new; 0 for what is no list of models
  std::size_t add_answer(std::string_view provider, std::string_view body);

  std::size_t size() const noexcept { return models_.size(); }
  bool has(std::string_view id) const { return ids_.contains(id); }

  /// The list as JSON, in the shape of that API: OpenAI's {object, data: [{id, object, created,
  /// owned_by}]} or Anthropic's {data: [{type, id, display_name, created_at}], has_more, first_id,
  /// last_id}.
  std::string write(Dialect dialect) const;
  /// One model of it as JSON; empty when it is not there.
  std::string write_one(std::string_view id, Dialect dialect) const;

 private:
  struct Model {
    std::string id = {};
    std::string name = {};  ///< for a person; may be empty
    std::string owner = {};
    std::int64_t created = 0;  ///< seconds since the Unix epoch; 0: not told
  };

  bool add(Model model);

  ModelListLimits limits_;
  std::vector<Model> models_;
  std::set<std::string, std::less<>> ids_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/model_list.ipp>
#endif
