#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/clock.hpp>
#include <credpool/transport/concept.hpp>
#include <credpool/validation/classifier.hpp>
#include <credpool/validation/concept.hpp>
#include <credpool/validation/probe.hpp>
#include <credpool/validation/probe_answer.hpp>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How credentials are checked.
struct ValidatorOptions {
  BaseUrls base_urls;  ///< instead of the built-in addresses
  Duration connect_timeout{5'000};
  Duration timeout{15'000};     ///< for each request
  std::size_t concurrency = 8;  ///< requests under way at once
  std::size_t per_host = 2;     ///< of those, to one provider's address
  Duration deadline{60'000};    ///< for all of validate_all()
};

/// Called once for every finished credential, by one thread at a time: how many are done, of how
/// many, which one, and its verdict.
using ValidationProgress =
    std::function<void(std::size_t done, std::size_t total, std::size_t index, const Verdict&)>;

/// Judges the answer to one probe, and words it for a person.
Verdict judge_probe(const Probe& probe, const Credential& credential,
                    const Result<Response>& response, TimePoint now);

/// Why a credential is not worth a request; none when it may be asked about.
std::optional<Verdict> judge_unasked(const Credential& credential, TimePoint now);

/// The host whose share of the concurrency a check counts against.
std::string probed_host(const Credential& credential, const BaseUrls& base_urls);

/// Whether the next address of the list should be tried: this one does not know the key.
bool worth_another_address(const Verdict& verdict) noexcept;

/// Checks credentials by asking their providers, see probes_for().
///
/// @tparam T the transport; it must outlive the validator and be safe to call from several threads
template <Transport T, Clock C = SystemClock> class HttpValidator {
 public:
  /// @param clock times the deadline; it must outlive the validator
  explicit HttpValidator(T& transport, ValidatorOptions options = {}, const C& clock = own_clock)
      : transport_{&transport}, options_{std::move(options)}, clock_{&clock} {}

  /// Checks one credential. Never throws; ends within the deadline of the options.
  /// @effects network requests; the credential is not changed, see apply()
  Verdict validate(const Credential& credential, TimePoint now) {
    return validate(credential, now, options_.deadline);
  }

  /// Checks all and applies each verdict to its credential.
  ///
  /// What the deadline or a stop request leaves over is could_not_tell and not probed; requests
  /// under way are waited for, which takes no longer than their time-outs.
  ///
  /// @return the verdicts in the order of the credentials
  /// @effects network requests; changes the credentials; up to `concurrency` threads, all ended
  std::vector<Verdict> validate_all(std::span<Credential> credentials, TimePoint now,
                                    std::stop_token stop = {},
                                    const ValidationProgress& progress = {}) {
    Batch batch{options_.per_host};
    batch.verdicts.resize(credentials.size());
    for (std::size_t i = 0; i < credentials.size(); ++i)
      batch.waiting.push_back({i, probed_host(credentials[i], options_.base_urls)});
    const auto end = clock_->steady() + std::chrono::nanoseconds{options_.deadline};

    const auto work = [&] {
      while (auto job = batch.take(stop)) {
        const auto left = std::chrono::duration_cast<Duration>(end - clock_->steady());
        auto& credential = credentials[job->index];
        Verdict verdict;
        if (stop.stop_requested())
          verdict.detail = "stopped before it was its turn";
        else if (left <= Duration{0})
          verdict.detail = "the time for all checks was up";
        else
          verdict = validate(credential, now, left);
        apply(verdict, credential);
        batch.finish(*job, std::move(verdict), progress);
      }
    };
    {
      std::vector<std::jthread> helpers;
      const auto threads =
          std::min(std::max<std::size_t>(options_.concurrency, 1), credentials.size());
      try {
        for (std::size_t i = 1; i < threads; ++i) helpers.emplace_back(work);
      } catch (const std::system_error&) {
        // Fewer threads than asked for: the rest of the work is done by those there are.
      }
      work();
    }
    return std::move(batch.verdicts);
  }

 private:
  static inline const C own_clock{};

  struct Job {
    std::size_t index;
    std::string host;
  };

  /// What the workers of one validate_all() share.
  struct Batch {
    explicit Batch(std::size_t host_limit) : per_host{std::max<std::size_t>(host_limit, 1)} {}

    /// The first waiting job whose host has room; waits for one; none when all are taken.
    std::optional<Job> take(const std::stop_token& stop) {
      std::unique_lock lock{mutex};
      for (;;) {
        if (waiting.empty()) return std::nullopt;
        for (auto job = waiting.begin(); job != waiting.end(); ++job) {
          if (busy[job->host] >= per_host && !stop.stop_requested()) continue;
          auto taken = std::move(*job);
          waiting.erase(job);
          ++busy[taken.host];
          return taken;
        }
        room.wait(lock);  // somebody is busy with that host and will call finish()
      }
    }
    void finish(const Job& job, Verdict verdict, const ValidationProgress& progress) {
      const std::lock_guard lock{mutex};
      --busy[job.host];
      verdicts[job.index] = std::move(verdict);
      ++done;
      if (progress) progress(done, verdicts.size(), job.index, verdicts[job.index]);
      room.notify_all();
    }

    std::size_t per_host;
    std::mutex mutex;
    std::condition_variable room;
    std::vector<Job> waiting;
    std::map<std::string, std::size_t, std::less<>> busy;
    std::vector<Verdict> verdicts;
    std::size_t done = 0;
  };

  Verdict validate(const Credential& credential, TimePoint now, Duration allowed) {
    if (auto unasked = judge_unasked(credential, now)) return std::move(*unasked);
    const auto end = clock_->steady() + std::chrono::nanoseconds{allowed};
    Verdict verdict;
    for (const auto* probe : probes_for(credential)) {
      verdict = ask(*probe, credential, now, end);
      if (verdict.finding != Finding::valid) break;
    }
    return verdict;
  }

  /// Sends one probe to its addresses until one of them knows the credential.
  Verdict ask(const Probe& probe, const Credential& credential, TimePoint now,
              std::chrono::nanoseconds end) {
    std::optional<Verdict> standing;
    const auto urls = base_urls(probe, credential, options_.base_urls);
    for (const auto& url : urls) {
      const auto left = std::chrono::duration_cast<Duration>(end - clock_->steady());
      if (standing && left <= Duration{0}) {
        // An address that was not asked might have known it.
        standing->finding = Finding::could_not_tell;
        standing->outcome = OutcomeKind::unknown;
        standing->detail = "the time was up before all of the provider's addresses were asked";
        break;
      }
      auto request = make_request(probe, credential, url);
      request.timeout = std::max(std::min(options_.timeout, left), Duration{1});
      request.connect_timeout = std::min(options_.connect_timeout, request.timeout);
      auto verdict = judge_probe(probe, credential, transport_->send(request), now);
      const bool next = worth_another_address(verdict);
      if (urls.size() > 1 && proves_good(verdict.finding)) verdict.base_url = url;
      // An address that could not be reached leaves it open whether the key is good.
      if (!standing || !next || standing->finding == Finding::rejected)
        standing = std::move(verdict);
      if (!next) break;
    }
    return standing ? std::move(*standing) : Verdict{};
  }

  T* transport_;
  ValidatorOptions options_;
  const C* clock_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/validation/http_validator.ipp>
#endif
