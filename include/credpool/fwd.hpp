#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

/// @file
/// Declarations only, for headers that name the library's types without using them.

namespace credpool::inline CREDPOOL_ABI {

enum class Errc;
struct Error;
template <class T> class Result;
class Environment;
class Secret;

enum class Kind;
enum class Ownership;
enum class Reason;
enum class Status;
struct Credential;
struct Place;

struct Request;
struct Response;

}  // namespace credpool::inline CREDPOOL_ABI
