#pragma once
// SPDX-License-Identifier: MIT

// The end of an answer that waits. Internal.

#include <credpool/core/version.hpp>

#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Keeps the end of an answer back until somebody has paid for it, the last byte at least: without
/// it no caller takes the answer for complete.
class KeptEnd {
 public:
  void add(std::string_view bytes) { kept_.append(bytes); }

  /// All but the last byte, valid until the next call.
  std::string_view ready() {
    outgoing_.clear();
    if (kept_.size() > 1) {
      outgoing_.assign(kept_, 0, kept_.size() - 1);
      kept_.erase(0, kept_.size() - 1);
    }
    return outgoing_;
  }
  std::string_view rest() const noexcept { return kept_; }

 private:
  std::string kept_;
  std::string outgoing_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
