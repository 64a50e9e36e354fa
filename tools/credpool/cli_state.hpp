#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/memory.hpp>
#include <credpool/store/sqlite.hpp>

#include <utility>
#include <variant>

namespace credpool_cli {

/// The pool's state as a command has it: in the file that all processes share, or, where no file is
/// there or can be, only as long as the command runs. Then SQLite is not even started, which a scan
/// would notice.
class CliState {
 public:
  CliState() = default;
  explicit CliState(credpool::SqliteState file) : state_{std::move(file)} {}

  credpool::Result<credpool::Generation> generation() const {
    return std::visit([](const auto& state) { return state.generation(); }, state_);
  }
  credpool::Result<credpool::Generation> transact(credpool::Generation seen,
                                                  const credpool::StateExchange& exchange) {
    return std::visit([&](auto& state) { return state.transact(seen, exchange); }, state_);
  }

 private:
  std::variant<credpool::MemoryState, credpool::SqliteState> state_;
};
static_assert(credpool::PoolStateStore<CliState>);

}  // namespace credpool_cli
