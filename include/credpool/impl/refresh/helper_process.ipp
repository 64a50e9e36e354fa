#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/helper_process.hpp>
#include <credpool/refresh/process.hpp>

#include <chrono>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// What the helper said, once it has ended or the time is over.
inline Result<ExchangeReport> helper_answer(Process& helper, const std::string& doing,
                                            Duration patience) {
  constexpr std::chrono::seconds to_end{1};
  helper.read_until([](std::string_view text) { return text.ends_with('\n'); }, patience);
  auto answer = parse_exchange_answer(helper.output());
  if (answer || answer.error().errc() != Errc::malformed) return answer;

  const auto end = helper.wait(to_end);
  if (!end)
    return fail(Errc::timeout, doing, "the exchange helper",
                "it goes on by itself: look again in a minute");
  constexpr int wrong_usage = 3;
  if (end->signal == 0 && end->exit_code == wrong_usage)
    return fail(Errc::configuration, doing, "the exchange helper",
                "the installed credpool is of another version: restart what was updated");
  return fail(Errc::outcome_unknown, doing, "the exchange helper",
              "it ended without an answer: the next refresh finishes what it began");
}

}  // namespace detail

CREDPOOL_INLINE Result<ExchangeReport> HelperProcess::run(const Credential& credential,
                                                          const ExchangeRequest& request) {
  const auto doing = "refreshing " + credential.profile_id;
  const auto store = parts_.login_store(credential);
  if (!store) return fail(store.error());

  ProcessPlan plan;
  plan.program = parts_.program;
  plan.arguments = parts_.arguments;
  plan.read_output = true;
  auto helper = Process::start(plan);
  if (!helper) return fail(helper.error());
  const auto job = exchange_job_text(
      {credential, request, parts_.endpoints, parts_.environment, parts_.host_id});
  // A helper that does not take its job says why by its end.
  const auto written = helper->write(job, std::chrono::seconds{10});
  helper->close_input();
  if (!written && written.error().errc() == Errc::timeout)
    return fail(Errc::timeout, doing, "the exchange helper", "it did not take its job");
  auto report = detail::helper_answer(*helper, doing, request.patience + parts_.answer_patience);
  if (!report) return report;

  auto stored = (*store)->read();
  if (!stored) return fail(stored.error());
  report->tokens = std::move(stored->tokens);
  return report;
}

}  // namespace credpool::inline CREDPOOL_ABI
