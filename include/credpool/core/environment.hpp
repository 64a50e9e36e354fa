#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/read_trace.hpp>
#include <credpool/core/result.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace credpool::inline CREDPOOL_ABI {

/// Whether a variable of that name tells of a terminal, a window, a session or one run of a
/// service: another value of it does not make it another world for a login.
bool names_a_window(std::string_view variable) noexcept;

/// Everything the library may know about the process it runs in: variables, home, names.
///
/// Injected everywhere instead of being read, so that a test or a demo can hand in another world.
/// Copies share the facts and are cheap.
///
/// @thread_safety safe (immutable)
class Environment {
 public:
  struct Facts {
    std::map<std::string, std::string, std::less<>> variables;
    std::filesystem::path home;               ///< absolute; empty when there is none
    std::filesystem::path working_directory;  ///< absolute
    std::string host_name;
    std::string user_name;
    uid_t user = 0;  ///< effective user: whose files are ours
  };

  explicit Environment(Facts facts);

  /// Takes a picture of the calling process: variables, `$HOME` (else the password database, since
  /// some callers start us with an empty environment), host and user name.
  static Environment of_process();

  /// The variable's value; none when unset. An empty value counts as unset, as in the CLIs.
  std::optional<std::string> variable(std::string_view name) const;
  const std::map<std::string, std::string, std::less<>>& variables() const noexcept;

  /// The home directory; Errc::configuration when there is none or it is not absolute.
  Result<std::filesystem::path> home() const;

  /// `$XDG_CONFIG_HOME` or ~/.config; a relative value is ignored, as the XDG specification says.
  Result<std::filesystem::path> config_home() const;
  /// `$XDG_DATA_HOME` or ~/.local/share.
  Result<std::filesystem::path> data_home() const;
  /// `$XDG_STATE_HOME` or ~/.local/state.
  Result<std::filesystem::path> state_home() const;

  /// The directory that the variable names, or `fallback` below the home directory.
  /// "~" and "~/..." are expanded; a relative value counts from the working directory.
  Result<std::filesystem::path> directory(std::string_view variable_name,
                                          std::string_view fallback) const;

  /// "~" and "~/..." become the home directory; a relative path counts from the working directory.
  std::filesystem::path expand(std::string_view path) const;

  /// The first executable regular file of that name on `$PATH`. Empty and relative entries of
  /// `$PATH` are passed over: they mean a directory that whoever started us has chosen.
  std::optional<std::filesystem::path> find_program(std::string_view name) const;

  const std::filesystem::path& working_directory() const noexcept;
  const std::string& host_name() const noexcept;
  const std::string& user_name() const noexcept;
  uid_t user() const noexcept;

  /// The same world with one variable set (or, with no value, unset).
  Environment with_variable(std::string_view name, std::optional<std::string> value) const;

  /// The same world, for one thread, with every file noted that the library reads or looks for; not
  /// noted are the variables, the home directory and the names.
  Environment traced_in(std::shared_ptr<ReadTrace> trace) const;
  /// Whether something is there, links followed; false when that cannot be told. Noted.
  bool exists(const std::filesystem::path& path,
              ReadTrace::Of what = ReadTrace::Of::contents) const;
  /// For who is about to read or look for a file himself; nothing happens without a trace.
  void note_look(const std::filesystem::path& path,
                 ReadTrace::Of what = ReadTrace::Of::contents) const;
  /// For who has listed the names in a directory that have that ending; see
  /// ReadTrace::note_names().
  void note_names(const std::filesystem::path& directory, std::string_view ending,
                  const std::vector<std::string>& names) const;
  /// For who looks in variables() for a name that he has read somewhere.
  void note_variable(std::string_view name) const noexcept;
  /// For who has met with something that a trace does not tell; nothing happens without one.
  void note_untold() const noexcept;

 private:
  std::shared_ptr<const Facts> facts_;
  std::shared_ptr<ReadTrace> trace_ = nullptr;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/environment.ipp>
#endif
