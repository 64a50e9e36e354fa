// SPDX-License-Identifier: MIT
// Preloaded into a program under test: writes every path that it looks at to the file that LOOK_LOG
// names, a line each, and one with a slash behind it for a directory whose names it lists.

#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

void note(const char* path, bool listed = false) {
  const char* log = std::getenv("LOOK_LOG");
  if (log == nullptr || path == nullptr || path[0] == '\0') return;
  const auto file = static_cast<int>(
      ::syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  char line[5000];
  auto size = ::strnlen(path, sizeof line - 2);
  std::memcpy(line, path, size);
  if (listed) line[size++] = '/';
  line[size] = '\n';
  if (::syscall(SYS_write, file, line, size + 1) < 0) std::abort();
  ::syscall(SYS_close, file);
}

template <class Function> Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

mode_t mode_among(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : mode_t{0};
}

bool lists(int flags) {
  return (flags & O_TMPFILE) == O_DIRECTORY;
}

}  // namespace

// What they fill in is passed on untouched: the headers that declare them are not needed. Each has
// a name of its own here, since some are names of types too.
#define LOOK_LOG_AS(name) __asm__(name)

extern "C" {

#define LOOK_LOG_ONE(name)                                             \
  int logged_##name(const char* path, void* facts) LOOK_LOG_AS(#name); \
  int logged_##name(const char* path, void* facts) {                   \
    note(path);                                                        \
    return next<int(const char*, void*)>(#name)(path, facts);          \
  }
LOOK_LOG_ONE(stat)
LOOK_LOG_ONE(lstat)
LOOK_LOG_ONE(stat64)
LOOK_LOG_ONE(lstat64)
#undef LOOK_LOG_ONE

#define LOOK_LOG_AT(name)                                                                 \
  int logged_##name(int at, const char* path, void* facts, int flags) LOOK_LOG_AS(#name); \
  int logged_##name(int at, const char* path, void* facts, int flags) {                   \
    note(path);                                                                           \
    return next<int(int, const char*, void*, int)>(#name)(at, path, facts, flags);        \
  }
LOOK_LOG_AT(fstatat)
LOOK_LOG_AT(fstatat64)
#undef LOOK_LOG_AT

int logged_statx(int at, const char* path, int flags, unsigned mask, void* facts)
    LOOK_LOG_AS("statx");
int logged_statx(int at, const char* path, int flags, unsigned mask, void* facts) {
  note(path);
  return next<int(int, const char*, int, unsigned, void*)>("statx")(at, path, flags, mask, facts);
}

#define LOOK_LOG_OPEN(name)                                               \
  int logged_##name(const char* path, int flags, ...) LOOK_LOG_AS(#name); \
  int logged_##name(const char* path, int flags, ...) {                   \
    va_list more;                                                         \
    va_start(more, flags);                                                \
    const auto mode = mode_among(flags, more);                            \
    va_end(more);                                                         \
    note(path, lists(flags));                                             \
    return next<int(const char*, int, ...)>(#name)(path, flags, mode);    \
  }
LOOK_LOG_OPEN(open)
LOOK_LOG_OPEN(open64)
#undef LOOK_LOG_OPEN

#define LOOK_LOG_OPENAT(name)                                                     \
  int logged_##name(int at, const char* path, int flags, ...) LOOK_LOG_AS(#name); \
  int logged_##name(int at, const char* path, int flags, ...) {                   \
    va_list more;                                                                 \
    va_start(more, flags);                                                        \
    const auto mode = mode_among(flags, more);                                    \
    va_end(more);                                                                 \
    note(path, lists(flags));                                                     \
    return next<int(int, const char*, int, ...)>(#name)(at, path, flags, mode);   \
  }
LOOK_LOG_OPENAT(openat)
LOOK_LOG_OPENAT(openat64)
#undef LOOK_LOG_OPENAT

void* logged_opendir(const char* path) LOOK_LOG_AS("opendir");
void* logged_opendir(const char* path) {
  note(path, true);
  return next<void*(const char*)>("opendir")(path);
}

int logged_access(const char* path, int mode) LOOK_LOG_AS("access");
int logged_access(const char* path, int mode) {
  note(path);
  return next<int(const char*, int)>("access")(path, mode);
}
}
