#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/validation/probe.hpp>
#include <credpool/validation/verdict.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Reads what a probe's 200 tells: quota windows, plan, eligibility.
///
/// Adds to a verdict whose finding is valid: quotas and plan; out_of_quota with retry_at when a
/// window of the whole account is used up; not_eligible when Google names no tier but a reason
/// against the client. Members that are missing or odd are passed over.
///
/// @param body the answer's body: JSON, though anything is tolerated
/// @effects changes `verdict` only
/// @source docs/providers.md
void read_probe_answer(ProbeAnswer kind, std::string_view body, TimePoint now, Verdict& verdict);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/validation/probe_answer.ipp>
#endif
