// SPDX-License-Identifier: MIT
#include "logged_exchange.hpp"

#include <credpool/server/request_id.hpp>

namespace credpool_cli {

namespace cp = credpool;

cp::AccessRecord access_record(const cp::RequestHead& head, std::string_view peer,
                               cp::TimePoint now) {
  cp::AccessRecord record;
  record.time = now;
  record.request_id = cp::new_request_id();
  record.peer = peer;
  record.method = head.method;
  record.path = head.path();
  return record;
}

LoggedExchange::LoggedExchange(std::shared_ptr<cp::ServerExchange> inner, cp::AccessRecord record,
                               Tell tell)
    : inner_{std::move(inner)}, record_{std::move(record)}, tell_{std::move(tell)} {}

std::shared_ptr<LoggedExchange> LoggedExchange::over(std::shared_ptr<cp::ServerExchange> inner,
                                                     cp::AccessRecord record, Tell tell) {
  std::shared_ptr<LoggedExchange> made{
      new LoggedExchange{std::move(inner), std::move(record), std::move(tell)}};
  made->inner_->listen(made);
  return made;
}

void LoggedExchange::respond(const cp::Answer& answer) {
  if (started()) return;
  auto named = answer;
  named.headers.emplace_back("x-request-id", record_.request_id);
  record_.status = answer.status;
  record_.bytes_out = answer.body.size();
  inner_->respond(named);
  ended(answer.status < 400 ? cp::Ending::ok : cp::Ending::refused);
}

void LoggedExchange::start(const cp::AnswerHead& head) {
  auto named = head;
  named.headers.push_back({"x-request-id", record_.request_id});
  record_.status = head.status;
  inner_->start(named);
}

bool LoggedExchange::recall() {
  if (!inner_->recall()) return false;
  record_.status = 0;
  record_.bytes_out = 0;
  return true;
}

void LoggedExchange::write(std::string_view bytes) {
  record_.bytes_out += bytes.size();
  inner_->write(bytes);
}

void LoggedExchange::finish() {
  inner_->finish();
  ended(record_.status < 400 ? cp::Ending::ok : cp::Ending::refused);
}

void LoggedExchange::cut() {
  inner_->cut();
  ended(cp::Ending::timed_out);
}

void LoggedExchange::listen(std::shared_ptr<cp::ExchangeListener> listener) {
  listener_ = std::move(listener);
}

void LoggedExchange::on_drained() {
  if (const auto listener = listener_) listener->on_drained();
}

void LoggedExchange::on_client_gone() {
  ended(cp::Ending::client_gone);
  if (const auto listener = std::exchange(listener_, nullptr)) listener->on_client_gone();
}

void LoggedExchange::ended(cp::Ending how) {
  const auto tell = std::exchange(tell_, {});
  if (!tell) return;
  record_.ending = how;
  record_.total = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began_);
  if (record_.method == "HEAD") record_.bytes_out = 0;
  tell(record_);
}

}  // namespace credpool_cli
