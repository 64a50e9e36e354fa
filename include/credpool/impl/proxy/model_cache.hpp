#pragma once
// SPDX-License-Identifier: MIT

// The merged list of models, fetched from the providers and kept for a while. Internal.

#include <credpool/core/clock.hpp>
#include <credpool/proxy/catalog.hpp>
#include <credpool/proxy/lender.hpp>
#include <credpool/proxy/model_list.hpp>
#include <credpool/transport/message.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// @thread_safety safe; callers wait for one that fetches
class ModelCache {
 public:
  using Fetch = std::function<Result<Response>(const Request&)>;

  std::shared_ptr<const ModelList> get(const std::shared_ptr<const ProxyCatalog>& catalog,
                                       CredentialLender& lender, const Fetch& fetch) {
    const std::lock_guard lock{mutex_};
    const auto now = SystemClock{}.steady();
    if (list_ && of_ == catalog && now - since_ < fresh_for) return list_;
    auto made = std::make_shared<ModelList>();
    made->add_named(catalog->models().named_models());
    bool all = true;
    for (const auto& [provider, answer] : ask_all(*catalog, lender, fetch)) {
      if (answer) made->add_answer(provider, answer->body);
      all = all && answer && answer->status == 200;
    }
    // An incomplete list is asked for again soon.
    since_ = all ? now : now - fresh_for + retry_after;
    of_ = catalog;
    list_ = std::move(made);
    return list_;
  }

 private:
  using Answers = std::vector<std::pair<std::string, Result<Response>>>;

  /// One credential of each provider, all at the same time.
  static Answers ask_all(const ProxyCatalog& catalog, CredentialLender& lender,
                         const Fetch& fetch) {
    Answers answers;
    for (const auto& credential : catalog.credentials()) {
      const auto known = std::find_if(answers.begin(), answers.end(), [&](const auto& answer) {
        return answer.first == credential->provider;
      });
      if (known == answers.end() && catalog.way(credential->id, Operation::models))
        answers.emplace_back(credential->provider, fail(Errc::no_credential, "listing models"));
    }
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    constexpr std::size_t most = 8;
    for (std::size_t i = 0; i < std::min(answers.size(), most); ++i)
      threads.emplace_back([&] {
        for (auto mine = next++; mine < answers.size(); mine = next++)
          answers[mine].second = ask(catalog, lender, fetch, answers[mine].first);
      });
    for (auto& thread : threads) thread.join();
    return answers;
  }

  static Result<Response> ask(const ProxyCatalog& catalog, CredentialLender& lender,
                              const Fetch& fetch, const std::string& provider) {
    auto lease = lender.acquire(
        {.provider = provider, .tried = catalog.useless(provider, Operation::models)});
    if (!lease) return fail(lease.error());
    const auto* way = catalog.way(lease->credential().id, Operation::models);
    if (!way) return fail(Errc::no_credential, "listing models", provider);
    Request request;
    request.url = way->target.origin + way->target.path;
    for (const auto& header : way->target.headers)
      request.headers.push_back({header.name, header.value});
    request.secret_headers.push_back(
        {way->target.auth.header, way->target.auth.prefix, lease->credential().secret});
    request.timeout = std::chrono::seconds{10};
    request.max_answer_bytes = ModelListLimits{}.max_answer_bytes;
    return fetch(request);
  }

  static constexpr std::chrono::minutes fresh_for{5};
  static constexpr std::chrono::seconds retry_after{10};

  std::mutex mutex_;
  std::shared_ptr<const ModelList> list_;
  std::shared_ptr<const ProxyCatalog> of_;
  std::chrono::nanoseconds since_{};
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
