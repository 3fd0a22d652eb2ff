// The large parts of a tokenizer.json, read without a DOM: "model.vocab" and "model.merges" are left as text and walked
// entry by entry; all else is the usual JSON. A part that is not plain (escapes of lone surrogates, numbers that are
// no ids, nesting) is handed to the JSON library instead, whose complaints then name the place.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace athanor::token {

// A value as it stands in the file. Lives as long as the text.
struct RawValue {
  std::string_view text;
  mutable std::optional<nlohmann::json> parsed;  // once somebody wants it as JSON
};

struct RawParts {
  RawValue vocab;   // an object; empty text: not taken out
  RawValue merges;  // a list
  std::string_view whole;
};

// Finds the two parts and gives the text without them (an empty object and list in their place). Only looks as closely
// as that takes: what is no JSON stays in the text that is given back, or in the parts. Nothing when there is no object
// of "vocab" in an object "model".
std::optional<std::string> take_raw_parts(std::string_view text, RawParts& parts);

// Walks a part. Each call gives the next entry; false at the end, or, with bad() then true, where it is not plain.
class RawWalk {
 public:
  explicit RawWalk(std::string_view text) : p_(text.data()), end_(text.data() + text.size()) {}

  bool next_pair(std::string_view& name, int32_t& id);              // of {"name": id, ...}
  bool next_merge(std::string_view& left, std::string_view& right);  // of ["left right", ...] or [["left", "right"], ...]
  bool bad() const { return bad_; }

 private:
  bool begin_entry(char open, char close);
  bool string(std::string& scratch, std::string_view& out);
  bool escaped(std::string& scratch, std::string_view& out);
  void skip_white();
  bool take(char c);
  bool fail() {
    bad_ = true;
    return false;
  }

  const char* p_;
  const char* end_;
  std::string left_, right_;  // hold what had escapes
  bool begun_ = false, bad_ = false;
};

}  // namespace athanor::token
