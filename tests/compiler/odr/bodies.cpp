// SPDX-License-Identifier: MIT
#include <credpool/src.hpp>
