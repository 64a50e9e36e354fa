#pragma once
// SPDX-License-Identifier: MIT

// Writing to a peer that may be gone, without being killed for it. Internal.

#include <credpool/core/version.hpp>

#include <signal.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Holds SIGPIPE back in this thread: a pipe knows no MSG_NOSIGNAL, httplib and OpenSSL do not use
/// it, and a library has no business changing what the process does with signals.
class SigpipeHeldBack {
 public:
  SigpipeHeldBack() noexcept {
    sigset_t pending;
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~SigpipeHeldBack() {
    sigset_t pending;
    ::sigpending(&pending);
    if (int signal = 0; !was_pending_ && ::sigismember(&pending, SIGPIPE) == 1)
      ::sigwait(&pipe_, &signal);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeHeldBack(const SigpipeHeldBack&) = delete;
  SigpipeHeldBack& operator=(const SigpipeHeldBack&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
