#pragma once
// SPDX-License-Identifier: MIT

// What can be read out of an error answer, whatever its shape. Internal: see classifier.ipp.

#include <credpool/impl/core/json.hpp>
#include <credpool/transport/message.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::string evidence_lower(std::string_view text) {
  std::string lower{text};
  for (auto& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

/// An error answer taken apart.
struct AnswerEvidence {
  bool html = false;
  bool json = false;               ///< the body is a JSON object or array
  bool has_error = false;          ///< the body has an error member that is not null or false
  int error_status = 0;            ///< a numeric error.code from 400 to 599, as Google sends it
  std::vector<std::string> codes;  ///< every type, code, status and reason, lower case
  std::string text;                ///< lower case
  std::string message;             ///< as sent

  bool has_code(std::string_view wanted) const {
    return std::find(codes.begin(), codes.end(), wanted) != codes.end();
  }
  bool says(std::string_view wanted) const { return text.find(wanted) != std::string::npos; }
};

inline void evidence_code(AnswerEvidence& evidence, const Json& object, const char* name) {
  constexpr std::size_t longest_code = 128;
  const auto code = text_or_empty(object, name);
  if (!code.empty() && code.size() <= longest_code) evidence.codes.push_back(evidence_lower(code));
}

inline void evidence_from_object(AnswerEvidence& evidence, const Json& object) {
  for (const auto* name :
       {"type", "code", "status", "reason", "reasonCode", "error_code", "quotaId"})
    evidence_code(evidence, object, name);
  for (const auto* name : {"message", "msg", "error_description", "detail", "error_msg"}) {
    const auto text = text_or_empty(object, name);
    if (!text.empty() && evidence.message.find(text) == std::string::npos)
      evidence.message += (evidence.message.empty() ? "" : " ") + std::string{text};
  }
  for (const auto* name : {"details", "violations", "errors"}) {
    const auto* list = member(object, name);
    if (list == nullptr || !list->is_array()) continue;
    std::size_t read = 0;
    for (const auto& element : *list)
      if (constexpr std::size_t most = 32; element.is_object() && read++ < most)
        evidence_from_object(evidence, element);
  }
}

inline bool evidence_is_html(const Response& response) {
  const auto type = evidence_lower(response.header("content-type").value_or(""));
  if (type.find("html") != std::string::npos) return true;
  const auto start = response.body.find_first_not_of(" \t\r\n");
  return start != std::string::npos && response.body[start] == '<';
}

inline AnswerEvidence evidence_of(const Response& response) {
  AnswerEvidence evidence;
  evidence.html = evidence_is_html(response);
  if (evidence.html) return evidence;
  constexpr std::size_t most_text = 4096;
  const auto document = parse_json(response.body);
  evidence.json = document && document->is_structured();
  if (!evidence.json) {
    evidence.message = response.body.substr(0, most_text);
  } else {
    // Google's streams and some gateways wrap the error object into an array.
    const auto& top = document->is_array() && !document->empty() ? document->front() : *document;
    if (const auto* error = member(top, "error")) {
      evidence.has_error = !(error->is_null() || *error == false);
      if (error->is_string()) {
        evidence.codes.push_back(evidence_lower(error->get_ref<const std::string&>()));
      } else if (error->is_object()) {
        evidence_from_object(evidence, *error);
        const auto* code = member(*error, "code");
        const auto number = code != nullptr ? number_of(*code) : std::nullopt;
        if (number && *number >= 400 && *number < 600)
          evidence.error_status = static_cast<int>(*number);
      }
    }
    evidence_from_object(evidence, top);
    if (const auto* inner = member(top, "detail")) evidence_from_object(evidence, *inner);
    if (const auto* inner = member(top, "response"))  // an OpenAI stream's response.failed
      if (const auto* error = member(*inner, "error"); error != nullptr && error->is_object()) {
        evidence.has_error = true;
        evidence_from_object(evidence, *error);
      }
  }
  if (evidence.message.size() > most_text) evidence.message.resize(most_text);
  evidence.text = evidence_lower(evidence.message);
  return evidence;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
