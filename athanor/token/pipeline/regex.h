// The regexes of tokenizer.json, as Oniguruma (in Ruby's syntax, which is what HF tokenizers uses) understands them:
// leftmost match by backtracking, over the character classes of class_table.h. Own engine, because the classes must be
// those of Unicode 16 whatever library the machine has, and because a pattern from outside must not hang or crash:
// steps and memory are bounded. What it does not know (back references, recursion, \R, \X, \K, ...) is refused by name.
//
//   const auto regex = Regex::compile(R"(\p{N}{1,3})", field);
//   regex->for_each(text, [](size_t begin, size_t end) { ... });
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/file/json_field.h"
#include "athanor/token/split/class_table.h"

namespace athanor::token {

// A set of characters: [...], \s, \p{L}, one character.
struct CharSet {
  struct Item {
    char32_t low = 1, high = 0;    // a range
    uint32_t categories = 0;       // or these general categories
    uint16_t bits = 0;             // or any of these ClassBits
    const char* script = nullptr;  // or a script of script_table
    bool negated = false;
    std::shared_ptr<const CharSet> nested;
  };
  std::vector<Item> items;                          // any of them
  std::vector<std::shared_ptr<const CharSet>> and_;  // and all of these (&&)
  bool negated = false;
  std::array<bool, 128> ascii{};

  bool slow_has(char32_t code) const;
  bool has(char32_t code) const { return code < 128 ? ascii[code] : slow_has(code); }
  void close();  // fills ascii, when all else is there
};

class Regex {
 public:
  // Error(kInput) at field for what is not supported or not well-formed.
  static std::shared_ptr<const Regex> compile(std::string_view pattern, const Field& field);

  // Every match from left to right, none overlapping; an empty one never right behind another match. Error(kInput)
  // when it would take too many steps or too much memory: both bounds grow with the text.
  void for_each(std::string_view text, const std::function<void(size_t begin, size_t end)>& found) const;

 private:
  friend class RegexCompiler;
  friend class RegexRun;

  enum class Op : uint8_t { kSet, kLoop, kSplit, kJump, kAssert, kLook, kAtomic, kMatch };
  enum class Mode : uint8_t { kGreedy, kLazy, kPossessive };
  struct Instruction {
    Op op;
    Mode mode = Mode::kGreedy;  // kLoop; kSplit: kLazy tries `other` first
    bool negated = false;       // kLook
    bool behind = false;        // kLook
    char kind = 0;              // kAssert: ^ $ A z Z b B
    uint32_t set = 0;           // kSet, kLoop
    uint32_t min = 0, max = 0;  // kLoop; kLook behind: characters to step back, from min to max
    uint32_t next = 0;          // where to go on
    uint32_t other = 0;         // kSplit: second choice; kLook, kAtomic: where the inner program begins
  };

  std::vector<Instruction> code_;
  std::vector<CharSet> sets_;
  uint32_t start_ = 0;
};

// A "pattern" of tokenizer.json: {"String": ...} or {"Regex": ...}.
class Finder {
 public:
  explicit Finder(std::string literal) : literal_(std::move(literal)) {}
  explicit Finder(std::shared_ptr<const Regex> regex) : regex_(std::move(regex)) {}

  // As Regex::for_each.
  void for_each(std::string_view text, const std::function<void(size_t begin, size_t end)>& found) const;
  const std::string* literal() const { return regex_ ? nullptr : &literal_; }

 private:
  std::string literal_;
  std::shared_ptr<const Regex> regex_;
};
Finder read_pattern(const Field& field);

}  // namespace athanor::token
