#pragma once
// SPDX-License-Identifier: MIT

#include <string>

/// What the other file of the program makes of it.
std::string hash_in_other_file(const char* token);
const void* category_in_other_file();
