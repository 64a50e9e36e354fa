// SPDX-License-Identifier: MIT
#include <credpool/source/concept.hpp>

#include <credpool/source/sources.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

namespace cp = credpool;

// The archetype: the least that a source must have. docs/concepts/CredentialSource.md shows it.
// [archetype]
/// A source for a CLI that keeps its key in one environment variable.
struct AcmeCli {
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";

  cp::Result<std::vector<cp::Credential>> discover(const cp::Environment& environment) const {
    std::vector<cp::Credential> found;
    if (const auto key = environment.variable("ACME_API_KEY")) {
      found.push_back(cp::Credential::api_key(cli, provider, cp::Secret{*key}));
      found.back().places.push_back({.location = "env:ACME_API_KEY", .pointer = {}});
    }
    return found;  // empty when it is not there: that is not an error
  }
};
static_assert(cp::CredentialSource<AcmeCli>);
// [archetype]

namespace {

using Found = cp::Result<std::vector<cp::Credential>>;

// What a source may be besides: without a default, not to be copied, with a state of its own.
struct Particular {
  static constexpr const char* cli = "particular";
  static constexpr const char* provider = "acme";
  explicit Particular(std::string path) : path_{std::move(path)} {}
  Particular(Particular&&) = default;
  Found discover(const cp::Environment&) const noexcept {
    return std::vector{cp::Credential::unusable(cli, provider, path_, cp::Reason::malformed, "")};
  }

 private:
  std::string path_;
};
static_assert(cp::CredentialSource<Particular>);
static_assert(!std::copy_constructible<Particular>);

// Near-misses: each lacks one thing.
struct WithoutName {
  [[maybe_unused]] static constexpr std::string_view provider = "acme";
  Found discover(const cp::Environment&) const;
};
struct WithoutProvider {
  static constexpr std::string_view cli = "acme-cli";
  Found discover(const cp::Environment&) const;
};
struct NameOfAnObject {  // the name belongs to the type
  std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";
  Found discover(const cp::Environment&) const;
};
struct NameIsANumber {
  static constexpr int cli = 7;
  [[maybe_unused]] static constexpr std::string_view provider = "acme";
  Found discover(const cp::Environment&) const;
};
struct WithoutDiscover {
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";
};
struct ChangesItself {  // several threads may look at once
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";
  Found discover(const cp::Environment&);
};
struct ChangesTheWorld {
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";
  Found discover(cp::Environment&) const;
};
struct CannotFail {  // no home directory must not look like no login
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";
  std::vector<cp::Credential> discover(const cp::Environment&) const;
};
struct FindsOne {
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";
  cp::Result<cp::Credential> discover(const cp::Environment&) const;
};
struct ReadsTheProcess {  // the environment is handed in
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";
  Found discover() const;
};
static_assert(!cp::CredentialSource<WithoutName>);
static_assert(!cp::CredentialSource<WithoutProvider>);
static_assert(!cp::CredentialSource<NameOfAnObject>);
static_assert(!cp::CredentialSource<NameIsANumber>);
static_assert(!cp::CredentialSource<WithoutDiscover>);
static_assert(!cp::CredentialSource<ChangesItself>);
static_assert(!cp::CredentialSource<ChangesTheWorld>);
static_assert(!cp::CredentialSource<CannotFail>);
static_assert(!cp::CredentialSource<FindsOne>);
static_assert(!cp::CredentialSource<ReadsTheProcess>);
static_assert(!cp::CredentialSource<int>);

// The optional parts, and near-misses of those.
struct Complete : AcmeCli {
  static constexpr std::array<std::string_view, 1> programs{"acme"};
  static constexpr std::array<std::string_view, 1> variables{"ACME_API_KEY"};
  std::vector<std::filesystem::path> locations(const cp::Environment&) const { return {}; }
};
static_assert(cp::NamesItsPrograms<Complete> && cp::NamesItsFiles<Complete> &&
              cp::NamesItsVariables<Complete>);
static_assert(!cp::NamesItsPrograms<AcmeCli> && !cp::NamesItsFiles<AcmeCli> &&
              !cp::NamesItsVariables<AcmeCli>);
struct NearlyComplete : AcmeCli {
  static constexpr std::string_view programs = "acme";  // its elements are characters
  static constexpr int variables = 1;
  std::filesystem::path locations(const cp::Environment&) const { return {}; }
};
static_assert(!cp::NamesItsPrograms<NearlyComplete> && !cp::NamesItsFiles<NearlyComplete> &&
              !cp::NamesItsVariables<NearlyComplete>);

std::string text_of(const std::filesystem::path& relative_to_tests) {
  const auto path = std::filesystem::path{CREDPOOL_TEST_DATA}.parent_path() / relative_to_tests;
  std::ifstream file{path.lexically_normal()};
  CAPTURE(path);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

TEST_CASE("concepts/credential_source: the archetype finds its key") {
  const ThrowawayHome home;
  const cp::Sources sources{AcmeCli{}};
  CHECK(sources.discover_all(home.environment()).credentials.empty());
  const auto found = sources.discover_all(home.environment({{"ACME_API_KEY", "sk-FAKE"}}));
  REQUIRE(found.credentials.size() == 1);
  CHECK(found.credentials[0].places[0].cli == "acme-cli");
}

TEST_CASE("concepts/credential_source: a source need not be copied nor made from nothing") {
  const ThrowawayHome home;
  const cp::Sources sources{Particular{"here"}, Complete{}};
  CHECK(sources.discover_all(home.environment()).credentials.size() == 1);
}

TEST_CASE("concepts/credential_source: the page shows the archetype as it is compiled") {
  const auto source = text_of("concepts/credential_source.cpp");
  const std::string mark = "// [archetype]\n";
  const auto begin = source.find(mark) + mark.size();
  const auto archetype = source.substr(begin, source.find(mark, begin) - begin);
  REQUIRE(archetype.size() > 200);
  CHECK(text_of("../docs/concepts/CredentialSource.md").find(archetype) != std::string::npos);
}
