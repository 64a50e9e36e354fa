// SPDX-License-Identifier: MIT
// A result does not turn into a number: only the question whether it holds is allowed.
// expect: no viable conversion|invalid operands|cannot convert|no match
#include <credpool/core/environment.hpp>

int look(const credpool::Environment& environment) {
  const auto home = environment.home();
  int answer = home ? 1 : 0;
#if defined(BAD_LINE)
  answer = home + 1;
#endif
  return answer;
}
