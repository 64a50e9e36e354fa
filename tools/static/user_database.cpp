// SPDX-License-Identifier: MIT
// Users as they stand in /etc/passwd, for programs that are linked statically. The C library's own
// function would load the shared modules of the name service (LDAP, systemd), which were made for
// another copy of that library: it crashes for every user who is not in the file. Environment asks
// the variables then.

#include <cerrno>
#include <cstdio>
#include <memory>

#include <pwd.h>

extern "C" int getpwuid_r(uid_t user, passwd* record, char* buffer, size_t size, passwd** found) {
  *found = nullptr;
  const std::unique_ptr<FILE, int (*)(FILE*)> file{std::fopen("/etc/passwd", "re"), &std::fclose};
  if (file == nullptr) return errno;
  passwd* entry = nullptr;
  int failed = 0;
  while ((failed = ::fgetpwent_r(file.get(), record, buffer, size, &entry)) == 0) {
    if (entry->pw_uid != user) continue;
    *found = entry;
    return 0;
  }
  return failed == ENOENT ? 0 : failed;  // the end of the file is no failure
}
