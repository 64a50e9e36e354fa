#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/token_endpoint.hpp>
