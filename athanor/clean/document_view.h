// One document as the steps see it, and what it was measured to be.
//
//   std::string text = ...;
//   DocumentView document(text);
//   document.url = "https://example.org/a";
//   step.measure(document, measures);
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/clean/analysis.h"

namespace athanor {

class DocumentView {
 public:
  // The text stays the caller's, and is rewritten in place by the steps that do so.
  explicit DocumentView(std::string& text) : text_(text), analysis_(text) {}
  DocumentView(const DocumentView&) = delete;
  DocumentView& operator=(const DocumentView&) = delete;

  std::string_view text() const { return text_; }
  void set_text(std::string&& text) {
    text_ = std::move(text);
    analysis_.reset(text_);
  }
  // Words, lines and counts of the text as it stands, worked out at the first question and shared by the steps.
  TextAnalysis& analysis() { return analysis_; }

  // The caller fills in what it has; empty means unknown.
  std::string_view source;
  std::string_view meta;  // a JSON object
  std::string_view url;   // meta.url, or the source when it is a URL
  // The value of a number column of the documents (a model's score, say); NaN when there is none.
  std::function<double(std::string_view column)> number;

 private:
  std::string& text_;
  TextAnalysis analysis_;
};

// What a step measured, in the order of the table entry's metrics of each type. NaN: does not apply to this text.
struct Measures {
  std::vector<double> numbers;
  std::vector<std::string> texts;

  void add(double value) { numbers.push_back(value); }
  void add(size_t count) { numbers.push_back(static_cast<double>(count)); }
  void add(std::string text) { texts.push_back(std::move(text)); }
  void clear() {
    numbers.clear();
    texts.clear();
  }
};

inline constexpr double kDoesNotApply = std::numeric_limits<double>::quiet_NaN();

// part / whole; 0 when the whole is 0.
inline double ratio(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace athanor
