#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/hash.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/core/time.hpp>
#include <credpool/rpc/scope.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// A new random token: "cpg-" and 256 random bits.
/// @errors io when the system gives no random bytes
Result<Secret> new_gateway_token();

/// What is known of one token of the gateway; never the token.
struct TokenRecord {
  std::string name;  ///< letters, digits, ".", "-" and "_"; at most 64
  Scopes scopes = {};
  TimePoint created_at{};
  std::optional<TimePoint> expires_at = {};
  std::optional<TimePoint> last_used_at = {};  ///< in this run of the server
  std::uint64_t number = 0;  ///< of this value of it, in this run: rotation gives another one

  friend bool operator==(const TokenRecord&, const TokenRecord&) = default;
};

/// The tokens that programs present to the gateway. It keeps digests only, and what a token may do
/// is what stands here, whatever a request says of itself.
///
/// @thread_safety safe
class TokenBook {
 public:
  /// Name of the token that is kept in a file of its own, for this user's own programs.
  static constexpr std::string_view main_name = "main";
  static constexpr std::size_t most_tokens = 256;

  /// Reads what text() wrote.
  /// @errors malformed
  static Result<TokenBook> parse(std::string_view text);
  TokenBook() = default;
  TokenBook(TokenBook&& other) noexcept
      : entries_{std::move(other.entries_)}, last_number_{other.last_number_} {}

  /// All tokens but the main one, as JSON text for a private file.
  std::string text() const;

  /// Sets the main token, which has all scopes.
  void set_main(const Secret& token, TimePoint now);

  /// Makes a token and adds it.
  /// @errors invalid_argument for such a name or no scope; conflict when the name is taken;
  ///         too_large when there are too many; io
  Result<Secret> create(std::string_view name, Scopes scopes, TimePoint now,
                        std::optional<TimePoint> expires_at = {});
  /// Another token for that name, with the same scopes; the old one is refused from now on.
  /// @errors not_found; io
  Result<Secret> rotate(std::string_view name, TimePoint now);
  /// @errors not_found; invalid_argument for the main token, which can only be rotated
  Result<void> revoke(std::string_view name);

  /// Whose token that is. Takes the same time whichever token it is, or none.
  /// @return none: unknown, or its time is over
  std::optional<TokenRecord> find(std::string_view token, TimePoint now);

  /// Whether the value of a token that find() had found is good still.
  bool is_good(std::uint64_t number, TimePoint now) const;

  /// By name.
  std::vector<TokenRecord> list() const;

 private:
  struct Entry {
    TokenRecord record;
    Digest digest{};
  };

  Entry* entry(std::string_view name);

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::uint64_t last_number_ = 0;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/gateway/token_book.ipp>
#endif
