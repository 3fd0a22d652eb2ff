#include "athanor/token/pipeline/regex.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/token/split/script_table.h"

namespace athanor::token {

namespace {

constexpr uint64_t kStepsPerByte = 200;
constexpr uint64_t kFreeSteps = 10'000'000;
constexpr size_t kMaxStack = size_t{1} << 23;  // entries of 24 bytes

char32_t read_at(std::string_view text, size_t& at) {
  const char* p = text.data() + at;
  const char32_t code = decode_utf8(p, text.data() + text.size());
  at = static_cast<size_t>(p - text.data());
  return code;
}

size_t step_back(std::string_view text, size_t at) {
  size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) {
    --begin;
  }
  return begin;
}

}  // namespace

bool CharSet::slow_has(char32_t code) const {
  const uint16_t record = class_bits(code);
  bool found = false;
  for (const Item& item : items) {
    bool here = code >= item.low && code <= item.high;
    here = here || (item.categories >> (record & 31) & 1) != 0 || (item.bits & record) != 0;
    here = here || (item.script != nullptr && in_script(code, item.script));
    here = here || (item.nested && item.nested->slow_has(code));
    found = found || here != item.negated;
  }
  for (const auto& other : and_) {
    found = found && other->slow_has(code);
  }
  return found != negated;
}

void CharSet::close() {
  for (char32_t code = 0; code < 128; ++code) {
    ascii[code] = slow_has(code);
  }
}

// One attempt: a virtual machine with its own stack, so that a long text does not use up the thread's.
class RegexRun {
 public:
  RegexRun(const Regex& regex, std::string_view text)
      : regex_(regex), text_(text), steps_left_(kFreeSteps + kStepsPerByte * text.size()) {}

  // Runs from pc at `at`; end is where the match ends.
  bool run(uint32_t pc, size_t at, size_t& end) {
    const size_t base = stack_.size();
    for (;;) {
      spend();
      const Regex::Instruction& in = regex_.code_[pc];
      bool ok = true;
      switch (in.op) {
        case Regex::Op::kMatch:
          end = at;
          stack_.resize(base);
          return true;
        case Regex::Op::kSet:
          ok = at < text_.size() && regex_.sets_[in.set].has(read_at(text_, at));
          break;
        case Regex::Op::kLoop:
          ok = loop(in, pc, at);
          break;
        case Regex::Op::kSplit:
          push({in.mode == Regex::Mode::kLazy ? in.next : in.other, Kind::kPlain, at, at});
          pc = in.mode == Regex::Mode::kLazy ? in.other : in.next;
          continue;
        case Regex::Op::kJump:
          break;
        case Regex::Op::kAssert:
          ok = holds(in.kind, at);
          break;
        case Regex::Op::kLook:
          ok = look(in, at) != in.negated;
          break;
        case Regex::Op::kAtomic:
          ok = run(in.other, at, at);
          break;
      }
      if (ok) {
        pc = in.next;
      } else if (!back(base, pc, at)) {
        return false;
      }
    }
  }

 private:
  enum class Kind : uint32_t { kPlain, kGreedy, kLazy };
  struct Choice {
    uint32_t pc;
    Kind kind;
    size_t at;     // where to go on
    size_t bound;  // kGreedy: not before; kLazy: how many characters more may be taken
  };

  void push(const Choice& choice) {
    if (stack_.size() >= kMaxStack) {
      throw Error(ErrorKind::kInput, "the regex needs too much memory on this text", "",
                  "a shorter text, or a regex without repetition inside repetition");
    }
    stack_.push_back(choice);
  }

  void spend() {
    if (steps_left_-- == 0) {
      throw Error(ErrorKind::kInput, "the regex needs too many steps on this text", "",
                  "a shorter text, or a regex without repetition inside repetition");
    }
  }

  bool loop(const Regex::Instruction& in, uint32_t pc, size_t& at) {
    const CharSet& set = regex_.sets_[in.set];
    uint64_t count = 0;
    size_t low = at;
    const uint64_t wanted = in.mode == Regex::Mode::kLazy ? in.min : in.max;
    while (count < wanted && at < text_.size()) {
      size_t next = at;
      if (!set.has(read_at(text_, next))) {
        break;
      }
      at = next;
      ++count;
      low = count == in.min ? at : low;
    }
    if (count < in.min) {
      return false;
    }
    steps_left_ -= std::min(steps_left_, count / 8);
    if (in.mode == Regex::Mode::kGreedy && at > low) {
      push({pc, Kind::kGreedy, at, low});
    } else if (in.mode == Regex::Mode::kLazy && in.max > in.min) {
      push({pc, Kind::kLazy, at, in.max - in.min});
    }
    return true;
  }

  // The last choice that is left, above base.
  bool back(size_t base, uint32_t& pc, size_t& at) {
    while (stack_.size() > base) {
      Choice& choice = stack_.back();
      const Regex::Instruction& in = regex_.code_[choice.pc];
      if (choice.kind == Kind::kPlain) {
        pc = choice.pc;
        at = choice.at;
        stack_.pop_back();
        return true;
      }
      pc = in.next;
      if (choice.kind == Kind::kGreedy) {
        at = step_back(text_, choice.at);
        choice.at = at;
        if (at <= choice.bound) {
          stack_.pop_back();
        }
        return true;
      }
      size_t next = choice.at;
      if (next < text_.size() && regex_.sets_[in.set].has(read_at(text_, next))) {
        at = next;
        choice.at = next;
        if (--choice.bound == 0) {
          stack_.pop_back();
        }
        return true;
      }
      stack_.pop_back();
    }
    return false;
  }

  bool look(const Regex::Instruction& in, size_t at) {
    size_t end = 0;
    if (!in.behind) {
      return run(in.other, at, end);
    }
    size_t begin = at;
    for (uint32_t back = 0; back <= in.max; ++back) {
      if (back >= in.min && run(in.other, begin, end) && end == at) {
        return true;
      }
      if (begin == 0) {
        return false;
      }
      begin = step_back(text_, begin);
    }
    return false;
  }

  bool is_word(size_t at) const {
    return at < text_.size() && has_class(read_at(text_, at), kWordBit);
  }

  bool holds(char kind, size_t at) const {
    const size_t size = text_.size();
    const bool after_newline = at > 0 && text_[at - 1] == '\n';
    switch (kind) {
      case '^':
        return at == 0 || (after_newline && at < size);
      case '$':
        return at == size ? !after_newline : text_[at] == '\n';
      case 'A':
        return at == 0;
      case 'z':
        return at == size;
      case 'Z':
        return at == size || (at + 1 == size && text_[at] == '\n');
      default:
        return ((at > 0 && is_word(step_back(text_, at))) != is_word(at)) == (kind == 'b');
    }
  }

  const Regex& regex_;
  std::string_view text_;
  std::vector<Choice> stack_;
  uint64_t steps_left_;
};

void Regex::for_each(std::string_view text, const std::function<void(size_t, size_t)>& found) const {
  RegexRun run(*this, text);
  size_t last_end = std::string_view::npos;
  for (size_t at = 0, end = 0; at <= text.size();) {
    if (run.run(start_, at, end) && (end != at || end != last_end)) {
      found(at, end);
      last_end = end;
      at = end;
    } else if (at < text.size()) {
      read_at(text, at);
    } else {
      return;
    }
  }
}

void Finder::for_each(std::string_view text, const std::function<void(size_t, size_t)>& found) const {
  if (regex_) {
    return regex_->for_each(text, found);
  }
  for (size_t at = text.find(literal_); at < text.size();) {
    found(at, at + literal_.size());
    at = text.find(literal_, at + literal_.size());
  }
}

Finder read_pattern(const Field& field) {
  const Json& object = field.object();
  if (object.size() == 1 && object.contains("String")) {
    const std::string& literal = field.at("String").string();
    return literal.empty() ? Finder(Regex::compile("", field)) : Finder(literal);
  }
  if (object.size() == 1 && object.contains("Regex")) {
    const Field regex = field.at("Regex");
    return Finder(Regex::compile(regex.string(), regex));
  }
  field.fail("must be {\"String\": ...} or {\"Regex\": ...}");
}

}  // namespace athanor::token
