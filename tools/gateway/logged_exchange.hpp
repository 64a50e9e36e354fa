#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>
#include <credpool/proxy/access_record.hpp>
#include <credpool/server/exchange.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool_cli {

/// The log's line of a request that has just come, with a new request id.
credpool::AccessRecord access_record(const credpool::RequestHead& head, std::string_view peer,
                                     credpool::TimePoint now);

/// Another exchange whose answer says its request id, and of whose end somebody is told, once.
class LoggedExchange final : public credpool::ServerExchange,
                             public credpool::ExchangeListener,
                             public std::enable_shared_from_this<LoggedExchange> {
 public:
  using Tell = std::function<void(const credpool::AccessRecord&)>;

  static std::shared_ptr<LoggedExchange> over(std::shared_ptr<credpool::ServerExchange> inner,
                                              credpool::AccessRecord record, Tell tell);

  /// What the line says; what only the handler knows may be added until the end.
  credpool::AccessRecord& record() noexcept { return record_; }

  const credpool::RequestHead& head() const noexcept override { return inner_->head(); }
  std::string_view body() const noexcept override { return inner_->body(); }
  std::string_view peer() const noexcept override { return inner_->peer(); }
  void respond(const credpool::Answer& answer) override;
  void start(const credpool::AnswerHead& head) override;
  bool started() const noexcept override { return inner_->started(); }
  bool recall() override;
  void write(std::string_view bytes) override;
  bool flush() override { return inner_->flush(); }
  void finish() override;
  void cut() override;
  void listen(std::shared_ptr<credpool::ExchangeListener> listener) override;
  void after(credpool::Duration delay, std::function<void()> then) override {
    inner_->after(delay, std::move(then));
  }
  std::function<void(std::function<void()>)> poster() override { return inner_->poster(); }
  bool offload(std::function<void()> work, std::function<void()> then) override {
    return inner_->offload(std::move(work), std::move(then));
  }

  void on_drained() override;
  void on_client_gone() override;

 private:
  LoggedExchange(std::shared_ptr<credpool::ServerExchange> inner, credpool::AccessRecord record,
                 Tell tell);
  void ended(credpool::Ending how);

  std::shared_ptr<credpool::ServerExchange> inner_;
  std::shared_ptr<credpool::ExchangeListener> listener_;
  credpool::AccessRecord record_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  Tell tell_;  ///< empty: it was told
};

}  // namespace credpool_cli
