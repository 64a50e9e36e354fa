#pragma once
// SPDX-License-Identifier: MIT

#include "rpc_client.hpp"
#include "top_picture.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace credpool_cli {

/// Reads server-sent events out of an HTTP answer as its bytes come: chunked or not.
class EventReader {
 public:
  struct Event {
    std::string type;
    std::string data;
  };
  /// @return none when what came is no answer with events
  std::optional<std::vector<Event>> feed(std::string_view bytes);

 private:
  bool take_head();
  bool take_chunks();
  void take_lines(std::vector<Event>& events);

  std::string raw_;   ///< not understood yet
  std::string text_;  ///< of the body
  std::size_t chunk_left_ = 0;
  bool head_done_ = false;
  bool chunked_ = false;
  bool after_chunk_ = false;
  Event event_;
};

/// What the server says, brought up to date by threads: its figures each second or two, and at once
/// when something happened.
///
/// @thread_safety safe
class TopFeed {
 public:
  /// @param changed called by a thread of it when there is something new; must not block
  TopFeed(const Session& session, RpcPlace place, std::function<void()> changed);
  ~TopFeed();

  TopData data() const;
  /// Asks once, in this thread.
  /// @errors those of call_method(); what the server refused
  static credpool::Result<TopData> ask(const Session& session, const RpcPlace& place);
  /// Ends the cooldowns of that credential.
  credpool::Result<std::size_t> clear_cooldown(const std::string& credential);
  /// Whether figures are asked for.
  void pause(bool paused);

 private:
  void ask_always();
  void listen_always();
  /// @return when the stream has ended
  void listen();
  void take(const EventReader::Event& event);
  void happened();

  const Session& session_;
  const RpcPlace place_;
  const std::function<void()> changed_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  TopData data_;
  bool due_ = true;  ///< something happened since the last question
  bool paused_ = false;
  std::atomic<bool> stopping_{false};
  std::thread asks_;
  std::thread listens_;
};

}  // namespace credpool_cli
