// SPDX-License-Identifier: MIT
// The main program of every doctest executable: reports in TAP, so that each case is counted.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <iostream>
#include <mutex>
#include <sstream>
#include <string>

namespace {

/// Test Anything Protocol, version 12: one line per test case, failures as comments before it.
class TapReporter final : public doctest::IReporter {
 public:
  explicit TapReporter(const doctest::ContextOptions& options) : out_{*options.cout} {}

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override { out_ << "1.." << count_ << std::endl; }
  void test_case_start(const doctest::TestCaseData& data) override { name_ = data.m_name; }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    const bool failed = stats.failure_flags != doctest::TestCaseFailureReason::None;
    // A case without an assertion cannot fail; that is a defect of the test.
    const bool empty = stats.numAssertsCurrentTest == 0;
    if (empty && !failed) out_ << "# no assertion was reached" << std::endl;
    out_ << (failed || empty ? "not ok " : "ok ") << ++count_ << " - " << escaped(name_)
         << std::endl;
    if (failed || empty) bad_ = true;
  }
  void test_case_exception(const doctest::TestCaseException& exception) override {
    comment(std::string{"exception: "} + exception.error_string.c_str());
  }
  void subcase_start(const doctest::SubcaseSignature& signature) override {
    const std::lock_guard lock{mutex_};
    subcases_.push_back(signature.m_name.c_str());
  }
  void subcase_end() override {
    const std::lock_guard lock{mutex_};
    subcases_.pop_back();
  }
  void log_assert(const doctest::AssertData& data) override {
    if (!data.m_failed) return;
    std::ostringstream text;
    text << data.m_file << ':' << data.m_line << ": " << doctest::assertString(data.m_at) << "( "
         << data.m_expr << " ) is " << data.m_decomp.c_str();
    if (data.m_threw) text << " threw " << data.m_exception.c_str();
    comment(text.str());
    const int contexts = doctest::IReporter::get_num_active_contexts();
    for (int i = 0; i < contexts; ++i) {
      std::ostringstream context;
      doctest::IReporter::get_active_contexts()[i]->stringify(&context);
      comment("  with " + context.str());
    }
    for (const auto& subcase : subcases_) comment("  in subcase " + subcase);
  }
  void log_message(const doctest::MessageData& data) override { comment(data.m_string.c_str()); }
  void test_case_skipped(const doctest::TestCaseData& data) override {
    // What was filtered out on the command line is not part of this run.
    if (!data.m_skip) return;
    out_ << "ok " << ++count_ << " - " << escaped(data.m_name) << " # SKIP "
         << (data.m_description == nullptr ? "" : data.m_description) << std::endl;
  }

  static bool bad() { return bad_; }

 private:
  void comment(const std::string& text) {
    const std::lock_guard lock{mutex_};
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) out_ << "# " << line << std::endl;
  }
  static std::string escaped(std::string text) {
    for (auto& c : text)
      if (c == '#') c = ' ';  // "#" would begin a directive
    return text;
  }

  std::ostream& out_;
  std::mutex mutex_;
  std::string name_;
  std::vector<std::string> subcases_;
  int count_ = 0;
  static inline bool bad_ = false;
};

REGISTER_REPORTER("tap", 1, TapReporter);

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context;
  context.setOption("reporters", "tap");
  context.setOption("no-intro", true);
  context.applyCommandLine(argc, argv);
  const int failures = context.run();
  return failures != 0 || TapReporter::bad() ? 1 : 0;
}
