#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/records.hpp>
#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {
class TimeZone;
}

/// The days, weeks and months of the ledger, in one time zone.
///
/// A day begins at the first moment whose local date is that day or a later one: at midnight, or
/// where midnight is skipped, when the clocks are set; where they are set back over midnight, at
/// the first midnight. So each moment is of one day, and days follow one another, whatever the
/// clocks do. Weeks begin on Monday (ISO 8601).
///
/// @thread_safety safe (immutable); copies are cheap
class LedgerCalendar {
 public:
  /// UTC.
  LedgerCalendar() = default;

  /// @param zone     "UTC", or a name of the IANA database such as "Europe/Berlin"
  /// @param database where its compiled files (TZif, RFC 8536) lie
  /// @errors configuration for a name that is none or not in the database; malformed or
  ///         unsupported for a file that is damaged or counts leap seconds; permission_denied; io
  /// @effects reads one file, once: a newer database is seen after a restart
  static Result<LedgerCalendar> open(std::string_view zone, const Environment& environment,
                                     const std::filesystem::path& database = "/usr/share/zoneinfo");

  const std::string& zone() const noexcept { return name_; }

  /// The period of a limit that runs at that time; [epoch, end of time) with LimitReset::never.
  LimitPeriod period(LimitReset reset, TimePoint now) const;
  /// The day of that time, "2026-11-21".
  std::string day(TimePoint now) const;

 private:
  std::chrono::sys_days date(TimePoint now) const;
  TimePoint begin_of(std::chrono::sys_days date) const;

  std::string name_ = "UTC";
  std::shared_ptr<const detail::TimeZone> zone_;  ///< null: UTC
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/period.ipp>
#endif
