// SPDX-License-Identifier: MIT
// What fwd.hpp declares exists: a type that does not has no size.
#include <credpool/fwd.hpp>

#include <credpool/credpool.hpp>

static_assert(sizeof(credpool::Errc) > 0);
static_assert(sizeof(credpool::Error) > 0);
static_assert(sizeof(credpool::Environment) > 0);
static_assert(sizeof(credpool::Secret) > 0);
static_assert(sizeof(credpool::Kind) > 0);
static_assert(sizeof(credpool::Ownership) > 0);
static_assert(sizeof(credpool::Reason) > 0);
static_assert(sizeof(credpool::Status) > 0);
static_assert(sizeof(credpool::Credential) > 0);
static_assert(sizeof(credpool::Place) > 0);
static_assert(sizeof(credpool::Request) > 0);
static_assert(sizeof(credpool::Response) > 0);
