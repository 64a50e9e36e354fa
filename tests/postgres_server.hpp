#pragma once
// SPDX-License-Identifier: MIT

#include <libpq-fe.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/// A PostgreSQL server of its own for one test program: on loopback, in a throw-away directory, and
/// as an unprivileged user where the tests run as root (PostgreSQL refuses to).
class PostgresServer {
 public:
  /// A password that has to be percent-encoded.
  static constexpr const char* password = "fake-canary:p@ss/w0rd?&";
  static constexpr const char* encoded_password = "fake-canary%3Ap%40ss%2Fw0rd%3F%26";

  /// The folder of initdb and postgres; empty when there is none.
  static std::string programs() {
    std::vector<std::string> places;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{"/usr/lib/postgresql", ignored})
      places.push_back(entry.path().string() + "/bin");
    std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
    for (std::size_t at = 0; at < path.size(); at = path.find(':', at), at += at < path.size())
      places.push_back(path.substr(at, path.find(':', at) - at));
    for (const auto& place : places)
      if (::access((place + "/initdb").c_str(), X_OK) == 0) return place;
    return {};
  }

  explicit PostgresServer(std::vector<std::string> settings = {}) : settings_{std::move(settings)} {
    if (const auto* user = ::geteuid() != 0                    ? nullptr
                           : ::getpwnam("postgres") != nullptr ? ::getpwnam("postgres")
                                                               : ::getpwnam("nobody")) {
      uid_ = user->pw_uid;
      gid_ = user->pw_gid;
    }
    auto pattern = (std::filesystem::temp_directory_path() / "credpool-pg-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    std::ofstream{root_ + "/password"} << password << '\n';
    if (uid_ != 0 && (::chown(root_.c_str(), uid_, gid_) != 0 ||
                      ::chown((root_ + "/password").c_str(), uid_, gid_) != 0))
      throw std::runtime_error{"cannot give the directory away"};
    int status = 0;
    ::waitpid(
        run({programs() + "/initdb", "-D", root_ + "/data", "-U", "credpool", "-A", "scram-sha-256",
             "--pwfile", root_ + "/password", "-E", "UTF8", "--no-locale", "--no-sync"}),
        &status, 0);
    if (status != 0) throw std::runtime_error{"initdb failed: " + log()};
    port_ = free_port();
    start();
  }
  ~PostgresServer() {
    thaw();
    if (postmaster_ > 0) {
      ::kill(postmaster_, SIGINT);
      ::waitpid(postmaster_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// Starts it and waits until it answers. What a killed one left keeps a new one from starting
  /// for a moment: then it is tried again.
  void start() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (std::chrono::steady_clock::now() < until) {
      std::vector<std::string> command{programs() + "/postgres",
                                       "-D",
                                       root_ + "/data",
                                       "-p",
                                       std::to_string(port_),
                                       "-c",
                                       "listen_addresses=127.0.0.1",
                                       "-c",
                                       "unix_socket_directories="};
      for (const auto& setting : settings_) command.insert(command.end(), {"-c", setting});
      postmaster_ = run(command);
      while (::waitpid(postmaster_, nullptr, WNOHANG) == 0) {
        if (PQping(address().c_str()) == PQPING_OK) return;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
      }
      postmaster_ = 0;
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    throw std::runtime_error{"the PostgreSQL server does not start: " + log()};
  }
  /// kill -9 of the postmaster; its other processes end by themselves when they see it.
  void kill_hard() {
    ::kill(postmaster_, SIGKILL);
    ::waitpid(postmaster_, nullptr, 0);
    postmaster_ = 0;
  }
  /// Nothing of it runs any more, but all its connections stay open.
  void freeze() {
    if (postmaster_ <= 0 || !frozen_.empty()) return;
    frozen_.push_back(postmaster_);
    const auto id = std::to_string(postmaster_);
    ::kill(postmaster_, SIGSTOP);
    std::ifstream children{"/proc/" + id + "/task/" + id + "/children"};
    for (pid_t child = 0; children >> child;) frozen_.push_back(child);
    for (const auto process : frozen_) ::kill(process, SIGSTOP);
  }
  void thaw() {
    for (const auto process : frozen_) ::kill(process, SIGCONT);
    frozen_.clear();
  }

  int port() const { return port_; }
  std::string address(const std::string& text = encoded_password) const {
    return "postgresql://credpool:" + text + "@127.0.0.1:" + std::to_string(port_) + "/postgres";
  }
  /// Runs SQL as the superuser; @return the first value, or what the server has against it
  std::string sql(const std::string& text) const {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection{PQconnectdb(address().c_str()),
                                                                &PQfinish};
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result{
        PQexec(connection.get(), text.c_str()), &PQclear};
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK)
      return PQntuples(result.get()) == 0 ? "" : PQgetvalue(result.get(), 0, 0);
    return PQresultErrorMessage(result.get());
  }
  std::string log() const {
    std::ifstream file{root_ + "/log"};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

 private:
  /// Starts a program as that user, its output in the log; it ends when this process does.
  pid_t run(const std::vector<std::string>& command) {
    const auto child = ::fork();
    if (child != 0) return child;
    std::vector<char*> words;
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    if (uid_ != 0 && (::setgid(gid_) != 0 || ::setuid(uid_) != 0)) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::chdir("/") != 0) ::_exit(126);
    const int log = ::open((root_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log, 1);
    ::dup2(log, 2);
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  static int free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error{"no free port"};
    ::close(socket);
    return ntohs(address.sin_port);
  }

  std::vector<std::string> settings_;
  std::string root_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  int port_ = 0;
  pid_t postmaster_ = 0;
  std::vector<pid_t> frozen_;
};
