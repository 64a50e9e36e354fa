#pragma once
// SPDX-License-Identifier: MIT

// The prices that come with this version. Internal: included by .ipp files only.
//
// US dollars for a million tokens. To bring it up to date: look at the pages of "source", change
// what differs and the date; tests/unit/account/pricing.cpp reads it.

#include <credpool/core/version.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::string_view built_in_prices = R"json({
"date": "2025-11-01",
"source": "https://openai.com/api/pricing https://claude.com/pricing https://ai.google.dev/pricing https://platform.moonshot.ai/docs/pricing",
"unknown": {"input": 5, "output": 15, "context_tokens": 1048576, "max_output_tokens": 128000},
"models": {
"gpt-5": {"input": 1.25, "cached_input": 0.125, "output": 10, "context_tokens": 400000, "max_output_tokens": 128000},
"gpt-5-mini": {"input": 0.25, "cached_input": 0.025, "output": 2, "context_tokens": 400000, "max_output_tokens": 128000},
"gpt-5-nano": {"input": 0.05, "cached_input": 0.005, "output": 0.40, "context_tokens": 400000, "max_output_tokens": 128000},
"gpt-5-pro": {"input": 15, "output": 120, "context_tokens": 400000, "max_output_tokens": 272000},
"gpt-5-codex": {"input": 1.25, "cached_input": 0.125, "output": 10, "context_tokens": 400000, "max_output_tokens": 128000},
"gpt-4.1": {"input": 2, "cached_input": 0.50, "output": 8, "context_tokens": 1047576, "max_output_tokens": 32768},
"gpt-4.1-mini": {"input": 0.40, "cached_input": 0.10, "output": 1.60, "context_tokens": 1047576, "max_output_tokens": 32768},
"gpt-4.1-nano": {"input": 0.10, "cached_input": 0.025, "output": 0.40, "context_tokens": 1047576, "max_output_tokens": 32768},
"gpt-4o": {"input": 2.50, "cached_input": 1.25, "output": 10, "context_tokens": 128000, "max_output_tokens": 16384},
"gpt-4o-2024-05-13": {"input": 5, "output": 15, "context_tokens": 128000, "max_output_tokens": 4096},
"gpt-4o-mini": {"input": 0.15, "cached_input": 0.075, "output": 0.60, "context_tokens": 128000, "max_output_tokens": 16384},
"gpt-4-turbo": {"input": 10, "output": 30, "context_tokens": 128000, "max_output_tokens": 4096},
"gpt-4": {"input": 30, "output": 60, "context_tokens": 8192, "max_output_tokens": 8192},
"gpt-3.5-turbo": {"input": 0.50, "output": 1.50, "context_tokens": 16385, "max_output_tokens": 4096},
"o1": {"input": 15, "cached_input": 7.50, "output": 60, "context_tokens": 200000, "max_output_tokens": 100000},
"o1-pro": {"input": 150, "output": 600, "context_tokens": 200000, "max_output_tokens": 100000},
"o1-mini": {"input": 1.10, "cached_input": 0.55, "output": 4.40, "context_tokens": 128000, "max_output_tokens": 65536},
"o3": {"input": 2, "cached_input": 0.50, "output": 8, "context_tokens": 200000, "max_output_tokens": 100000},
"o3-pro": {"input": 20, "output": 80, "context_tokens": 200000, "max_output_tokens": 100000},
"o3-mini": {"input": 1.10, "cached_input": 0.55, "output": 4.40, "context_tokens": 200000, "max_output_tokens": 100000},
"o4-mini": {"input": 1.10, "cached_input": 0.275, "output": 4.40, "context_tokens": 200000, "max_output_tokens": 100000},
"text-embedding-3-small": {"input": 0.02, "context_tokens": 300000},
"text-embedding-3-large": {"input": 0.13, "context_tokens": 300000},
"text-embedding-ada-002": {"input": 0.10, "context_tokens": 300000},
"claude-opus-4-5": {"input": 5, "cached_input": 0.50, "cache_write": 6.25, "output": 25, "context_tokens": 200000, "max_output_tokens": 64000},
"claude-opus-4": {"input": 15, "cached_input": 1.50, "cache_write": 18.75, "output": 75, "context_tokens": 200000, "max_output_tokens": 32000},
"claude-opus-4-1": {"input": 15, "cached_input": 1.50, "cache_write": 18.75, "output": 75, "context_tokens": 200000, "max_output_tokens": 32000},
"claude-sonnet-4-5": {"input": 3, "cached_input": 0.30, "cache_write": 3.75, "output": 15, "context_tokens": 1000000, "max_output_tokens": 64000,
  "long": {"above": 200000, "input": 6, "cached_input": 0.60, "cache_write": 7.50, "output": 22.50}},
"claude-sonnet-4": {"input": 3, "cached_input": 0.30, "cache_write": 3.75, "output": 15, "context_tokens": 1000000, "max_output_tokens": 64000,
  "long": {"above": 200000, "input": 6, "cached_input": 0.60, "cache_write": 7.50, "output": 22.50}},
"claude-haiku-4-5": {"input": 1, "cached_input": 0.10, "cache_write": 1.25, "output": 5, "context_tokens": 200000, "max_output_tokens": 64000},
"claude-haiku-3-5": {"input": 0.80, "cached_input": 0.08, "cache_write": 1, "output": 4, "context_tokens": 200000, "max_output_tokens": 8192},
"claude-3-5-haiku": {"input": 0.80, "cached_input": 0.08, "cache_write": 1, "output": 4, "context_tokens": 200000, "max_output_tokens": 8192},
"claude-3-7-sonnet": {"input": 3, "cached_input": 0.30, "cache_write": 3.75, "output": 15, "context_tokens": 200000, "max_output_tokens": 128000},
"claude-3-5-sonnet": {"input": 3, "cached_input": 0.30, "cache_write": 3.75, "output": 15, "context_tokens": 200000, "max_output_tokens": 8192},
"claude-3-opus": {"input": 15, "cached_input": 1.50, "cache_write": 18.75, "output": 75, "context_tokens": 200000, "max_output_tokens": 4096},
"claude-3-haiku": {"input": 0.25, "cached_input": 0.03, "cache_write": 0.30, "output": 1.25, "context_tokens": 200000, "max_output_tokens": 4096},
"gemini-2.5-pro": {"input": 1.25, "cached_input": 0.31, "output": 10, "context_tokens": 1048576, "max_output_tokens": 65536,
  "long": {"above": 200000, "input": 2.50, "cached_input": 0.625, "output": 15}},
"gemini-2.5-flash": {"input": 0.30, "cached_input": 0.075, "output": 2.50, "context_tokens": 1048576, "max_output_tokens": 65536},
"gemini-2.5-flash-lite": {"input": 0.10, "cached_input": 0.025, "output": 0.40, "context_tokens": 1048576, "max_output_tokens": 65536},
"gemini-2.0-flash": {"input": 0.10, "cached_input": 0.025, "output": 0.40, "context_tokens": 1048576, "max_output_tokens": 8192},
"kimi-k2": {"input": 0.60, "cached_input": 0.15, "output": 2.50, "context_tokens": 262144, "max_output_tokens": 262144},
"kimi-k2-turbo-preview": {"input": 1.15, "cached_input": 0.15, "output": 8, "context_tokens": 262144, "max_output_tokens": 262144}
}})json";

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
