// Oniguruma's Ruby syntax -> Regex: recursive descent; each parse function compiles as it reads, into a piece of
// program whose loose ends are tied to what follows. regex_compile.cc holds the structure, regex_class.cc the sets.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/pipeline/regex.h"

namespace athanor::token {

class RegexCompiler {
 public:
  RegexCompiler(std::string_view pattern, const Field& field) : pattern_(pattern), field_(&field) {}

  std::shared_ptr<const Regex> compile() {
    regex_ = std::make_shared<Regex>();
    Part whole = alternatives({});
    if (at_ < pattern_.size()) {
      refuse("an unmatched )");
    }
    regex_->start_ = seal(whole);
    return regex_;
  }

 private:
  static constexpr size_t kMaxCode = 20000;
  static constexpr int kMaxDepth = 50;
  static constexpr uint32_t kForever = ~uint32_t{0};

  using Instruction = Regex::Instruction;
  using Op = Regex::Op;
  using Mode = Regex::Mode;

  struct Options {
    bool ignore_case = false, dot_all = false;
  };

  // A piece of program: entered at begin; each hole is an instruction whose next (or other) is to be set.
  struct Hole {
    uint32_t at;
    bool other;
  };
  struct Part {
    uint32_t begin = kForever;  // kForever: nothing
    std::vector<Hole> holes;
    bool nullable = true;
    std::optional<uint32_t> set;        // when it is one character of this set
    uint32_t min_length = 0, max_length = 0;  // in characters; kForever: unbounded
  };

  [[noreturn]] void refuse(const std::string& what) const {
    field_->fail("holds " + what + ", which is not supported (at byte " + std::to_string(at_) + " of " +
                 json_string(pattern_) + ")");
  }

  bool more() const { return at_ < pattern_.size(); }
  bool looking_at(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    const bool here = looking_at(text);
    at_ += here ? text.size() : 0;
    return here;
  }
  char32_t next_character() {
    if (!more()) {
      refuse("an unfinished construct at the end");
    }
    const char* p = pattern_.data() + at_;
    const char32_t code = decode_utf8(p, pattern_.data() + pattern_.size());
    at_ = static_cast<size_t>(p - pattern_.data());
    return code;
  }

  uint32_t emit(const Instruction& instruction) {
    if (regex_->code_.size() >= kMaxCode) {
      refuse("more than " + std::to_string(kMaxCode) + " steps");
    }
    regex_->code_.push_back(instruction);
    return static_cast<uint32_t>(regex_->code_.size() - 1);
  }
  void tie(const std::vector<Hole>& holes, uint32_t to) {
    for (const Hole& hole : holes) {
      (hole.other ? regex_->code_[hole.at].other : regex_->code_[hole.at].next) = to;
    }
  }
  // A part of its own, ended by kMatch; where it begins.
  uint32_t seal(const Part& part) {
    const uint32_t match = emit({.op = Op::kMatch});
    tie(part.holes, match);
    return part.begin == kForever ? match : part.begin;
  }
  Part single(const Instruction& instruction) {
    const uint32_t at = emit(instruction);
    Part part;
    part.begin = at;
    part.holes = {{at, false}};
    return part;
  }
  static uint32_t add(uint32_t a, uint32_t b) { return a == kForever || b == kForever ? kForever : a + b; }
  Part join(Part a, Part b) {
    if (b.begin == kForever) {
      return a;
    }
    if (a.begin == kForever) {
      return b;
    }
    tie(a.holes, b.begin);
    a.holes = std::move(b.holes);
    a.nullable = a.nullable && b.nullable;
    a.min_length = add(a.min_length, b.min_length);
    a.max_length = add(a.max_length, b.max_length);
    a.set.reset();
    return a;
  }

  Part of_set(CharSet set) {
    set.close();
    regex_->sets_.push_back(std::move(set));
    const uint32_t index = static_cast<uint32_t>(regex_->sets_.size() - 1);
    Part part = single({.op = Op::kSet, .set = index});
    part.nullable = false;
    part.set = index;
    part.min_length = part.max_length = 1;
    return part;
  }
  Part nothing() { return single({.op = Op::kJump}); }

  Part alternatives(Options options);
  Part sequence(Options& options);
  std::optional<Part> atom(Options& options);
  Part quantified(Part part, size_t from, const Options& before, Options& options);
  bool quantifier(uint32_t& min, uint32_t& max, Mode& mode);
  Part repeat(const Part& first, size_t from, size_t to, const Options& options, uint32_t min, uint32_t max, Mode mode);
  Part again(size_t from, size_t to, Options options);
  Part star(Part part, Mode mode);
  Part maybe(Part part, Mode mode);
  Part atomic(const Part& part);
  std::optional<Part> group(Options& options);
  Part look(bool negated, bool behind, const Options& options);
  bool flags(Options& options);
  Part escape(const Options& options);
  std::optional<CharSet::Item> escaped_class(char32_t letter);
  CharSet::Item property(bool negated);
  char32_t escaped_character(char32_t letter);
  char32_t hexadecimal(size_t max_digits, bool braces);
  CharSet char_class(const Options& options);
  void class_items(CharSet& set, const Options& options);
  CharSet::Item posix_class();
  void add_range(CharSet& set, char32_t low, char32_t high, const Options& options) const;
  void check_cased(const CharSet::Item& item, const Options& options) const;

  std::string_view pattern_;
  const Field* field_;
  size_t at_ = 0;
  int depth_ = 0;
  char folded_before_ = 0;  // the last literal under (?i), for kFoldedPairs
  std::shared_ptr<Regex> regex_;
};

}  // namespace athanor::token
