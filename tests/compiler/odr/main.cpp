// SPDX-License-Identifier: MIT
// Two files include everything; there must be one definition of each, and one object of each
// static.
#include "other.hpp"

#include <credpool/credpool.hpp>

#include <iostream>

int main() {
  const bool same_hash = credpool::token_hash("fake") == hash_in_other_file("fake");
  const bool one_category =
      &make_error_code(credpool::Errc::not_found).category() == category_in_other_file();
  std::cout << "same hash: " << same_hash << ", one error category: " << one_category << '\n';
  return same_hash && one_category ? 0 : 1;
}
