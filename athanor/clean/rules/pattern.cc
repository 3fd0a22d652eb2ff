#define PCRE2_CODE_UNIT_WIDTH 8
#include "athanor/clean/rules/pattern.h"

#include <pcre2.h>

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/bounds.h"

namespace athanor {

namespace {

constexpr uint32_t kMatchLimit = 2000000;  // steps of one search: some 20 ms
constexpr uint32_t kHeapLimitKib = 64 * 1024;
constexpr size_t kJitStack = 1 << 20;

// One thread's limits and stack.
struct Context {
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(32 * 1024, kJitStack, nullptr);
  Context() {
    pcre2_set_match_limit(context, kMatchLimit);
    pcre2_set_heap_limit(context, kHeapLimitKib);
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
  }
};

pcre2_code* compile(const std::string& pattern) {
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* const code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                         PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_MATCH_INVALID_UTF |
                                             PCRE2_NEVER_BACKSLASH_C,
                                         &error, &at, nullptr);
  if (code == nullptr) {
    PCRE2_UCHAR message[256] = {};
    pcre2_get_error_message(error, message, sizeof(message));
    throw Error(ErrorKind::kUsage,
                "the pattern '" + pattern + "' is wrong at character " + std::to_string(at) + ": " +
                    reinterpret_cast<const char*>(message),
                "", "patterns are Perl's (PCRE2); a literal dot is \\., in YAML write them in single quotes");
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without it the interpreter matches
  return code;
}

// The replacement with its $0..$9 filled in.
void append_replacement(std::string& out, const std::string& replacement, std::string_view text,
                        const PCRE2_SIZE* offsets, size_t groups) {
  for (size_t i = 0; i < replacement.size(); ++i) {
    const char next = i + 1 < replacement.size() ? replacement[i + 1] : '\0';
    if (replacement[i] != '$' || (next != '$' && (next < '0' || next > '9'))) {
      out += replacement[i];
      continue;
    }
    ++i;
    if (next == '$') {
      out += '$';
      continue;
    }
    const size_t group = static_cast<size_t>(next - '0');
    if (group < groups && offsets[2 * group] != PCRE2_UNSET && offsets[2 * group] <= offsets[2 * group + 1]) {
      out.append(text.substr(offsets[2 * group], offsets[2 * group + 1] - offsets[2 * group]));
    }
  }
}

}  // namespace

struct Pattern::Tally {
  size_t matches = 0;
  size_t bytes = 0;
  size_t gave_up = 0;
};

Pattern::Pattern(const nlohmann::json& options)
    : replacement_(options.at("replacement")),
      max_matches_(options.at("max_matches")),
      min_matches_(options.at("min_matches")) {
  const std::vector<std::string> actions = {"count", "remove", "replace", "remove_lines"};
  const std::string action = options.at("action");
  const auto found = std::find(actions.begin(), actions.end(), action);
  if (found == actions.end()) {
    throw Error(ErrorKind::kUsage, "pattern.action '" + action + "' is none", "", did_you_mean(action, actions));
  }
  action_ = static_cast<Action>(found - actions.begin());
  try {
    for (const std::string pattern : options.at("patterns")) {
      codes_.push_back(compile(pattern));
    }
  } catch (...) {
    std::for_each(codes_.begin(), codes_.end(), pcre2_code_free);
    throw;
  }
}

Pattern::~Pattern() { std::for_each(codes_.begin(), codes_.end(), pcre2_code_free); }

std::vector<StepOption> Pattern::options() {
  return {{"patterns", nlohmann::json::array(), "regular expressions (PCRE2), one after the other"},
          {"action", "count", "count, remove, replace or remove_lines"},
          {"replacement", "", "what a match becomes with action replace; $1 is its first group"},
          threshold("max_matches", -1, "more matches: dropped; -1: never", -1),
          threshold("min_matches", 0, "fewer matches: dropped", 0)};
}

std::vector<StepMetric> Pattern::metrics() {
  return {{"matches", "matches of all patterns"},
          {"share", "bytes in them / bytes of the text"},
          {"gave_up", "searches given up at the match limit"}};
}

void Pattern::run_one(const pcre2_real_code_8* code, std::string& text, Tally& tally) const {
  thread_local Context context;
  pcre2_match_data* const data = pcre2_match_data_create_from_pattern(code, nullptr);
  const PCRE2_SIZE* const offsets = pcre2_get_ovector_pointer(data);
  std::string out;
  size_t done = 0;  // text[0, done) is in out, or was taken out
  for (size_t at = 0; at <= text.size();) {
    const int groups = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, 0, data,
                                   context.context);
    if (groups < 0) {
      tally.gave_up += groups != PCRE2_ERROR_NOMATCH;
      break;
    }
    const size_t begin = std::min<size_t>(offsets[0], offsets[1]);  // \K in a look-ahead can turn them round
    const size_t end = offsets[1];
    ++tally.matches;
    tally.bytes += end - begin;
    at = end;
    if (action_ == Action::kRemoveLines && begin >= done) {
      const size_t feed = begin == 0 ? std::string::npos : text.rfind('\n', begin - 1);
      const size_t line = std::max(done, feed == std::string::npos ? 0 : feed + 1);
      const size_t last = text.find('\n', std::max(begin, end > begin ? end - 1 : end));
      out.append(text, done, line - done);
      done = last == std::string::npos ? text.size() : last + 1;
      at = std::max(at, done);
    } else if (action_ != Action::kCount && action_ != Action::kRemoveLines && begin >= done) {
      out.append(text, done, begin - done);
      if (action_ == Action::kReplace) {
        append_replacement(out, replacement_, text, offsets, static_cast<size_t>(groups));
      }
      done = end;
    }
    if (end == begin && at == end) {  // an empty match: on by one character
      const char* p = text.data() + at;
      at = at == text.size() ? at + 1 : (decode_utf8(p, text.data() + text.size()), static_cast<size_t>(p - text.data()));
    }
  }
  pcre2_match_data_free(data);
  if (action_ != Action::kCount && tally.matches > 0) {
    out.append(text, done);
    text = std::move(out);
  }
}

void Pattern::measure(DocumentView& document, Measures& out) const {
  std::string text(document.text());
  const size_t size = text.size();
  Tally all;
  for (const pcre2_real_code_8* const code : codes_) {
    Tally tally;
    run_one(code, text, tally);
    all.matches += tally.matches;
    all.bytes += tally.bytes;
    all.gave_up += tally.gave_up;
  }
  if (rewrites() && all.matches > 0) {
    document.set_text(std::move(text));
  }
  out.add(all.matches);
  out.add(ratio(all.bytes, size));
  out.add(all.gave_up);
}

Verdict Pattern::decide(const Measures& measures) const {
  const Bound bounds[] = {{0, min_matches_, max_matches_ < 0 ? kNoLimit : max_matches_, "pattern_missing", "pattern_found"}};
  return check_bounds(measures, bounds);
}

}  // namespace athanor
