// SPDX-License-Identifier: MIT
#include <credpool/source/cursor_app.hpp>

#include "discovered.hpp"

#include <credpool/core/encoding.hpp>

#include <sqlite3.h>

#include <map>
#include <memory>

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".config/Cursor/User/globalStorage/state.vscdb";
constexpr auto access_key = "cursorAuth/accessToken";
constexpr auto refresh_key = "cursorAuth/refreshToken";
constexpr auto table = "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);";

std::string jwt(std::string_view claims) {
  return "e30." + cp::encode_base64url(claims) + ".FAKE";
}

/// Cursor's side: a connection that writes to the database.
class Cursor {
 public:
  explicit Cursor(const std::filesystem::path& path) {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
    database_.reset(handle);
  }
  void run(const std::string& sql) const {
    CAPTURE(sql);
    REQUIRE(sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  void put(const std::string& key, const std::string& value) const {
    run("INSERT INTO ItemTable VALUES ('" + key + "', '" + value + "')");
  }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };
  std::unique_ptr<sqlite3, Close> database_;
};

/// A home in which Cursor has run.
struct CursorWorld {
  CursorWorld() : path{home.write(store, "")} {}

  Cursor open() const { return Cursor{path}; }
  void write(const std::map<std::string, std::string>& items) const {
    std::filesystem::remove(path);
    const auto cursor = open();
    cursor.run(table);
    for (const auto& [key, value] : items) cursor.put(key, value);
    std::filesystem::permissions(path, std::filesystem::perms{0600});
  }
  std::vector<cp::Credential> found() const {
    return discovered<cp::CursorApp>(home.environment());
  }
  cp::Credential only() const { return only_discovered<cp::CursorApp>(home.environment()); }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{path.parent_path()})
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string bytes() const {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  ThrowawayHome home;
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("source/cursor_app: a login, and nothing is left behind or changed") {
  const CursorWorld world;
  world.write({{access_key, jwt(R"({"exp":4102444800,"sub":"auth0|u","email":"a@b.c"})")},
               {refresh_key, "rt-FAKE"},
               {"cursorAuth/other", "FAKE"}});
  const auto before = world.bytes();
  const auto credential = world.only();
  CHECK(credential.provider == "cursor");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::borrow);
  CHECK(credential.expires_at == far);
  CHECK(credential.secret.reveal().starts_with("e30."));
  CHECK(credential.refresh_token.reveal() == "rt-FAKE");
  CHECK(credential.account == "a@b.c");
  CHECK(credential.usable_at(now));
  CHECK(credential.places.front().location == world.path.string());
  CHECK(credential.places.front().warnings.empty());
  CHECK(world.files() == std::vector<std::string>{"state.vscdb"});
  CHECK(world.bytes() == before);
}

TEST_CASE("source/cursor_app: nobody is logged in") {
  const CursorWorld world;
  world.write({{"workbench.theme", "dark"}});
  CHECK(world.found().empty());
  std::filesystem::remove(world.path);
  CHECK(world.found().empty());
  world.write({{access_key, ""}, {refresh_key, ""}});
  CHECK(world.only().reason == cp::Reason::signed_out);
}

TEST_CASE("source/cursor_app: expired, opaque, unsafe and half a login") {
  const CursorWorld world;
  world.write({{access_key, jwt(R"({"exp":1700000000})")}, {refresh_key, "rt-FAKE"}});
  CHECK(world.only().reason_at(now) == cp::Reason::refreshable);
  world.write({{access_key, jwt(R"({"exp":1700000000})")}});
  CHECK(world.only().reason_at(now) == cp::Reason::not_refreshable);
  world.write({{access_key, "opaque-FAKE"}});
  CHECK(world.only().reason == cp::Reason::expiry_unknown);
  world.write({{access_key, "opaque FAKE"}});
  CHECK(world.only().reason == cp::Reason::unsafe_token);
  world.write({{refresh_key, "rt-FAKE"}});
  CHECK(world.only().reason == cp::Reason::needs_exchange);
}

TEST_CASE("source/cursor_app: a database that Cursor holds locked is read at once") {
  const CursorWorld world;
  world.write({{access_key, "at-FAKE"}});
  const auto cursor = world.open();
  cursor.run("BEGIN EXCLUSIVE");
  CHECK(world.only().secret.reveal() == "at-FAKE");
  cursor.put("another", "thing");  // our look has not taken the lock away
  cursor.run("COMMIT");
}

TEST_CASE("source/cursor_app: a live write-ahead log is neither read nor touched, and told") {
  const CursorWorld world;
  world.write({{access_key, "old-FAKE"}});
  const auto cursor = world.open();
  cursor.run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
  cursor.put(access_key, "new-FAKE");
  const auto log = world.path.string() + "-wal";
  const auto size = std::filesystem::file_size(log);
  const auto files = world.files();

  const auto credential = world.only();
  CHECK(credential.secret.reveal() == "old-FAKE");
  REQUIRE(credential.places.front().warnings.size() == 1);
  CHECK(credential.places.front().warnings.front().starts_with("unsettled_changes: "));
  CHECK(world.files() == files);
  CHECK(std::filesystem::file_size(log) == size);

  cursor.run("PRAGMA wal_checkpoint(TRUNCATE)");
  CHECK(world.only().secret.reveal() == "new-FAKE");
  CHECK(world.only().places.front().warnings.empty());
}

TEST_CASE("source/cursor_app: a log without its index makes no file") {
  const CursorWorld world;
  {
    world.write({{access_key, "at-FAKE"}});
    world.open().run("PRAGMA journal_mode = WAL");
  }
  std::filesystem::permissions(world.path.parent_path(), std::filesystem::perms{0500});
  CHECK(world.only().secret.reveal() == "at-FAKE");
  std::filesystem::permissions(world.path.parent_path(), std::filesystem::perms{0700});
  CHECK(world.files() == std::vector<std::string>{"state.vscdb"});
}

TEST_CASE("source/cursor_app: what is no database of Cursor's is listed") {
  const CursorWorld world;
  const auto reason = [&](std::string_view bytes) {
    world.home.write(store, bytes);
    return world.only().reason;
  };
  CHECK(reason("") == cp::Reason::malformed);
  CHECK(reason("garbage-FAKE") == cp::Reason::malformed);
  CHECK(reason(std::string("SQLite format 3\0", 16) + std::string(5000, 'x')) ==
        cp::Reason::malformed);
  world.write({{access_key, "at-FAKE"}});
  const auto whole = world.bytes();
  CHECK(reason(whole.substr(0, 4096)) == cp::Reason::malformed);  // the table's page is gone
  auto damaged = whole;
  for (std::size_t i = 4096; i < damaged.size(); ++i) damaged[i] = '\x7f';
  CHECK(reason(damaged) == cp::Reason::malformed);

  std::filesystem::remove(world.path);
  world.open().run("CREATE TABLE other (key TEXT, value BLOB)");
  CHECK(world.only().reason == cp::Reason::malformed);
}

TEST_CASE("source/cursor_app: a table that is a trap costs little") {
  const CursorWorld world;
  std::filesystem::remove(world.path);
  world.open().run(
      "CREATE VIEW ItemTable AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
      "SELECT 'cursorAuth/accessToken' AS key, 'at-FAKE' AS value FROM n");
  CHECK(world.only().reason == cp::Reason::malformed);
  // A column that computes: only the steps' limit ends it.
  std::filesystem::remove(world.path);
  world.open().run(
      "CREATE TABLE ItemTable (key TEXT, value BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
      "SELECT i + 1 FROM n LIMIT 3000000) INSERT INTO ItemTable SELECT i, 'x' FROM n");
  CHECK(world.only().reason == cp::Reason::unreadable);
  world.write({{access_key, std::string(100'000, 'x')}});
  CHECK(world.only().reason == cp::Reason::too_large);
}

TEST_CASE("source/cursor_app: a large database is read by the page, a monstrous one not at all") {
  const CursorWorld world;
  world.write({{access_key, "at-FAKE"}});
  std::filesystem::resize_file(world.path, std::uintmax_t{4} << 30);  // sparse
  CHECK(world.only().secret.reveal() == "at-FAKE");
  std::filesystem::resize_file(world.path, std::uintmax_t{1} << 40);
  CHECK(world.only().reason == cp::Reason::too_large);
  std::filesystem::resize_file(world.path, 0);
  std::filesystem::resize_file(world.path, std::uintmax_t{1} << 30);
  CHECK(world.only().reason == cp::Reason::malformed);
}

TEST_CASE("source/cursor_app: no regular file, links, and who can read it") {
  const CursorWorld world;
  const auto replace_by = [&](auto&& make) {
    std::filesystem::remove(world.path);
    make();
    return world.only().reason;
  };
  CHECK(replace_by([&] { std::filesystem::create_directory(world.path); }) ==
        cp::Reason::unsafe_file);
  CHECK(replace_by([&] { REQUIRE(::mkfifo(world.path.c_str(), 0600) == 0); }) ==
        cp::Reason::unsafe_file);
  CHECK(replace_by([&] { std::filesystem::create_symlink("nowhere", world.path); }) ==
        cp::Reason::unsafe_file);

  world.write({{access_key, "at-FAKE"}});
  const auto target = world.home.path() / "a b?c#d%41&immutable=0";  // no URI by itself
  std::filesystem::rename(world.path, target);
  std::filesystem::create_symlink(target, world.path);
  std::filesystem::permissions(target, std::filesystem::perms{0644});
  const auto credential = world.only();
  CHECK(credential.secret.reveal() == "at-FAKE");
  REQUIRE(credential.places.front().warnings.size() == 1);
  CHECK(credential.places.front().warnings.front().starts_with("readable_by_others: "));
}

TEST_CASE("source/cursor_app: XDG_CONFIG_HOME, and a home that is not there") {
  const CursorWorld world;
  world.write({{access_key, "at-FAKE"}});
  CHECK(discovered<cp::CursorApp>(
            world.home.environment({{"XDG_CONFIG_HOME", (world.home.path() / "c").string()}}))
            .empty());
  CHECK_FALSE(cp::CursorApp{}.discover(cp::Environment{{}}));
}
