#include "athanor/token/pipeline/regex_compiler.h"

#include <algorithm>
#include <tuple>

namespace athanor::token {

namespace {


constexpr uint32_t kMaxRepeat = 1000;
constexpr size_t kMaxPattern = 10000;

// Pairs that under (?i) also match one character: ß and the ligatures.
constexpr const char* kFoldedPairs[] = {"ss", "ff", "fi", "fl", "st"};

}  // namespace

RegexCompiler::Part RegexCompiler::alternatives(Options options) {
  if (++depth_ > kMaxDepth) {
    refuse("groups nested deeper than " + std::to_string(kMaxDepth));
  }
  Part all = sequence(options);
  while (take("|")) {
    const uint32_t split = emit({.op = Op::kSplit});
    if (all.begin == kForever) {
      all = join(nothing(), all);
    }
    Part other = sequence(options);
    if (other.begin == kForever) {
      other = nothing();
    }
    regex_->code_[split].next = all.begin;
    regex_->code_[split].other = other.begin;
    all.begin = split;
    all.holes.insert(all.holes.end(), other.holes.begin(), other.holes.end());
    all.nullable = all.nullable || other.nullable;
    all.min_length = std::min(all.min_length, other.min_length);
    all.max_length = std::max(all.max_length, other.max_length);
    all.set.reset();
  }
  --depth_;
  return all;
}

RegexCompiler::Part RegexCompiler::sequence(Options& options) {
  Part all;
  folded_before_ = 0;
  while (more() && !looking_at("|") && !looking_at(")")) {
    const size_t from = at_;
    const Options before = options;
    std::optional<Part> part = atom(options);
    if (part) {
      all = join(std::move(all), quantified(std::move(*part), from, before, options));
    }
  }
  folded_before_ = 0;
  return all;
}

std::optional<RegexCompiler::Part> RegexCompiler::atom(Options& options) {
  if (looking_at("(")) {
    folded_before_ = 0;
    return group(options);
  }
  if (take("[")) {
    folded_before_ = 0;
    return of_set(char_class(options));
  }
  if (take("^")) {
    return single({.op = Op::kAssert, .kind = '^'});
  }
  if (take("$")) {
    return single({.op = Op::kAssert, .kind = '$'});
  }
  if (take(".")) {
    folded_before_ = 0;
    CharSet any;
    any.negated = true;
    if (!options.dot_all) {
      any.items.push_back({.low = '\n', .high = '\n'});
    }
    return of_set(any);
  }
  if (looking_at("*") || looking_at("+") || looking_at("?")) {
    refuse("a repetition of nothing");
  }
  if (take("\\")) {
    return escape(options);
  }
  CharSet one;
  const char32_t code = next_character();
  add_range(one, code, code, options);
  const char lower = code < 128 ? static_cast<char>(code | 0x20) : '\0';
  if (options.ignore_case) {
    for (const char* pair : kFoldedPairs) {
      if (folded_before_ == pair[0] && lower == pair[1]) {
        refuse("\"" + std::string(pair) + "\" under (?i), which also stands for one character");
      }
    }
  }
  folded_before_ = lower;
  return of_set(one);
}

bool RegexCompiler::quantifier(uint32_t& min, uint32_t& max, Mode& mode) {
  min = 0;
  max = kForever;
  mode = Mode::kGreedy;
  bool exact = false, braces = false;
  if (take("*")) {
  } else if (take("+")) {
    min = 1;
  } else if (take("?")) {
    max = 1;
  } else if (looking_at("{")) {
    const auto number = [&](size_t& p) -> std::optional<uint32_t> {
      std::optional<uint32_t> value;
      while (p < pattern_.size() && pattern_[p] >= '0' && pattern_[p] <= '9' && value.value_or(0) <= kMaxRepeat) {
        value = value.value_or(0) * 10 + static_cast<uint32_t>(pattern_[p++] - '0');
      }
      return value;
    };
    size_t p = at_ + 1;
    const std::optional<uint32_t> low = number(p);
    const bool comma = p < pattern_.size() && pattern_[p] == ',';
    p += comma ? 1 : 0;
    const std::optional<uint32_t> high = comma ? number(p) : low;
    if (p >= pattern_.size() || pattern_[p] != '}' || (!low && !high)) {
      return false;  // then it is a literal brace
    }
    at_ = p + 1;
    min = low.value_or(0);
    max = high.value_or(kForever);
    exact = !comma;
    braces = true;
    if (min > kMaxRepeat || (max != kForever && (max > kMaxRepeat || max < min))) {
      refuse("a repetition outside 0 to " + std::to_string(kMaxRepeat));
    }
  } else {
    return false;
  }
  if (!exact && take("?")) {
    mode = Mode::kLazy;
  } else if (!braces && take("+")) {
    mode = Mode::kPossessive;  // after braces a + is one more repetition
  }
  return true;
}

RegexCompiler::Part RegexCompiler::quantified(Part part, size_t from, const Options& before, Options&) {
  uint32_t min, max;
  Mode mode;
  for (size_t to = at_; quantifier(min, max, mode); to = at_) {
    folded_before_ = 0;
    const size_t after = at_;
    part = repeat(part, from, to, before, min, max, mode);
    at_ = after;
  }
  return part;
}

RegexCompiler::Part RegexCompiler::repeat(const Part& first, size_t from, size_t to, const Options& options,
                                          uint32_t min, uint32_t max, Mode mode) {
  Part out;
  if (first.set) {
    out = single({.op = Op::kLoop, .mode = mode, .set = *first.set, .min = min, .max = max});
    out.nullable = min == 0;
  } else {
    if (first.nullable && max == kForever) {
      refuse("a repetition of what may be empty");
    }
    out = min == 0 && max == 0 ? nothing() : Part{};
    for (uint32_t i = 0; i < min; ++i) {
      out = join(std::move(out), i == 0 ? first : again(from, to, options));
    }
    if (max == kForever) {
      out = join(std::move(out), star(min == 0 ? first : again(from, to, options), mode));
    } else if (max > min) {
      // x{0,3} is (x(x(x)?)?)?
      Part tail;
      for (uint32_t i = min; i < max; ++i) {
        tail = maybe(join(i == 0 && max == 1 ? first : again(from, to, options), std::move(tail)), mode);
      }
      out = join(std::move(out), std::move(tail));
    }
    out.set.reset();
    if (mode == Mode::kPossessive) {
      out = atomic(out);
    }
  }
  out.min_length = first.min_length * min;
  out.max_length = max == kForever || first.max_length == kForever ? kForever : first.max_length * max;
  return out;
}

// Compiles the source [from, to) once more, since a part can be entered from one place only.
RegexCompiler::Part RegexCompiler::again(size_t from, size_t to, Options options) {
  const std::string_view whole = pattern_;
  const size_t after = at_;
  pattern_ = whole.substr(0, to);
  at_ = from;
  Part part = sequence(options);
  pattern_ = whole;
  at_ = after;
  return part;
}

RegexCompiler::Part RegexCompiler::star(Part part, Mode mode) {
  const uint32_t split = emit({.op = Op::kSplit, .mode = mode});
  tie(part.holes, split);
  regex_->code_[split].next = part.begin;
  const bool lazy = mode == Mode::kLazy;
  regex_->code_[split].next = part.begin;
  Part out;
  out.begin = split;
  out.holes = {{split, true}};
  out.nullable = true;
  if (lazy) {
    regex_->code_[split].mode = Mode::kLazy;  // tries `other`, the way out, first
  }
  return out;
}

RegexCompiler::Part RegexCompiler::maybe(Part part, Mode mode) {
  const uint32_t split = emit({.op = Op::kSplit, .mode = mode});
  regex_->code_[split].next = part.begin;
  part.holes.push_back({split, true});
  part.begin = split;
  part.nullable = true;
  part.set.reset();
  return part;
}

RegexCompiler::Part RegexCompiler::atomic(const Part& part) {
  Part out = single({.op = Op::kAtomic, .other = 0});
  const uint32_t at = out.begin;
  regex_->code_[at].other = seal(part);
  out.nullable = part.nullable;
  out.min_length = part.min_length;
  out.max_length = part.max_length;
  return out;
}

bool RegexCompiler::flags(Options& options) {
  Options changed = options;
  size_t p = at_;
  bool on = true;
  for (; p < pattern_.size() && (pattern_[p] == 'i' || pattern_[p] == 'm' || pattern_[p] == '-'); ++p) {
    if (pattern_[p] == '-') {
      on = false;
    } else {
      (pattern_[p] == 'i' ? changed.ignore_case : changed.dot_all) = on;
    }
  }
  if (p == at_ || p >= pattern_.size() || (pattern_[p] != ':' && pattern_[p] != ')')) {
    return false;
  }
  at_ = p;
  options = changed;
  return true;
}

std::optional<RegexCompiler::Part> RegexCompiler::group(Options& options) {
  const auto close = [&] {
    if (!take(")")) {
      refuse("an unclosed (");
    }
  };
  if (take("(?#")) {
    while (more() && !looking_at(")")) {
      ++at_;
    }
    close();
    return std::nullopt;
  }
  for (const auto& [text, negated, behind] : {std::tuple("(?=", false, false), std::tuple("(?!", true, false),
                                              std::tuple("(?<=", false, true), std::tuple("(?<!", true, true)}) {
    if (take(text)) {
      Part part = look(negated, behind, options);
      close();
      return part;
    }
  }
  if (take("(?>")) {
    Part inner = alternatives(options);
    close();
    return atomic(inner);
  }
  Options inside = options;
  if (take("(?:")) {
  } else if (looking_at("(?<")) {
    at_ += 3;
    const size_t stop = pattern_.find('>', at_);
    if (stop == std::string_view::npos || stop == at_) {
      refuse("an unclosed name");
    }
    at_ = stop + 1;
  } else if (take("(?")) {
    if (!flags(inside)) {
      refuse("the group (?" + std::string(pattern_.substr(at_, 4)));
    }
    if (take(")")) {
      options = inside;  // from here to the end of the group around it
      return std::nullopt;
    }
    ++at_;
  } else {
    ++at_;
  }
  Part part = alternatives(inside);
  close();
  if (part.begin == kForever) {
    part = nothing();
  }
  part.set.reset();
  return part;
}

RegexCompiler::Part RegexCompiler::look(bool negated, bool behind, const Options& options) {
  const Part inner = alternatives(options);
  if (behind && inner.max_length == kForever) {
    refuse("a look-behind without a longest length");
  }
  Part part = single({.op = Op::kLook, .negated = negated, .behind = behind, .min = inner.min_length,
                      .max = inner.max_length});
  const uint32_t at = part.begin;
  regex_->code_[at].other = seal(inner);
  return part;
}

std::shared_ptr<const Regex> Regex::compile(std::string_view pattern, const Field& field) {
  if (pattern.size() > kMaxPattern) {
    field.fail("is longer than " + std::to_string(kMaxPattern) + " bytes");
  }
  return RegexCompiler(pattern, field).compile();
}

}  // namespace athanor::token
