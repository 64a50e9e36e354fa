#pragma once
// SPDX-License-Identifier: MIT

/// The version of the library, as numbers a preprocessor can compare.
#define CREDPOOL_VERSION_MAJOR 0
#define CREDPOOL_VERSION_MINOR 1
#define CREDPOOL_VERSION_PATCH 0
#define CREDPOOL_VERSION_STRING "0.1.0"

// Two flavours, one set of headers. Header-only (the default): every non-template body is an inline
// function that its header pulls in from impl/. Compiled: the same bodies are built once, from
// src.hpp, and users define CREDPOOL_COMPILED (the credpool-compiled pkg-config file does).
//
// The inline namespace differs, so mixing both flavours in one program cannot merge their symbols.
#if defined(CREDPOOL_COMPILED)
#define CREDPOOL_INLINE
#define CREDPOOL_ABI v0_compiled
#else
#define CREDPOOL_INLINE inline
#define CREDPOOL_ABI v0
#endif
