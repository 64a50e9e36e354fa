// SPDX-License-Identifier: MIT
#include "other.hpp"

#include <credpool/credpool.hpp>

std::string hash_in_other_file(const char* token) {
  return credpool::token_hash(token);
}

const void* category_in_other_file() {
  return &make_error_code(credpool::Errc::not_found).category();
}
