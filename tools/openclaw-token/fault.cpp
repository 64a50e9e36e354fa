// SPDX-License-Identifier: MIT
#include "fault.hpp"

#include <utility>

namespace openclaw_token {

namespace cp = credpool;

namespace {

class FaultCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "openclaw-token"; }
  std::string message(int) const override { return "the command failed"; }
};

}  // namespace

const std::error_category& fault_category() noexcept {
  static const FaultCategory category;
  return category;
}

std::error_code make_error_code(Fault fault) noexcept {
  return {static_cast<int>(fault), fault_category()};
}

cp::Unexpected fault(Fault fault, std::string sentence, std::string hint) {
  return {cp::Error{fault, std::move(sentence), {}, std::move(hint)}};
}

cp::Unexpected mistake(std::string sentence, std::string hint) {
  return fault(Fault::mistake, std::move(sentence), std::move(hint));
}

std::string sentence_of(const cp::Error& error) {
  return error.code.category() == fault_category() ? error.doing : error.message();
}

std::string hint_of(const cp::Error& error) {
  return error.code.category() == fault_category() ? error.hint : std::string{};
}

}  // namespace openclaw_token
