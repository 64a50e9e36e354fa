// SPDX-License-Identifier: MIT
// toml++ itself, which distributions have as a shared library only: for the static program.
#undef TOML_SHARED_LIB
#define TOML_SHARED_LIB 0
#define TOML_IMPLEMENTATION
#include <toml++/toml.h>
