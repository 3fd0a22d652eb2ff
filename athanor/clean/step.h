// One step of cleaning, and the table of all of them. A new step is one file pair (its class and its option list)
// and one line in clean/step_table.cc; recipes, `explain`, the docs and the tests walk that table.
//
//   CleanChain chain(nlohmann::json::parse(R"(["normalize", {"length": {"min_chars": 50}}, "gopher_quality"])"));
//   CleanResult result = chain.run(text);   // text is rewritten by the transforms
//   if (!result.keep) { count(result.step, result.reason); }
#pragma once

#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

// A filter's word on one document.
struct Verdict {
  bool keep = true;
  std::string reason;  // dropped: the rule that failed, as published; kept: empty, or a note on rules not applied
  double score = 0;    // dropped: what that rule measured; kept: the step's own number (see its summary)
};

// Const and without hidden state: one object serves every thread.
class CleanStep {
 public:
  virtual ~CleanStep() = default;
  virtual const char* name() const = 0;
  virtual void transform(std::string& text) const;        // normalisers; the default leaves the text
  virtual Verdict judge(std::string_view text) const;     // filters; the default keeps
};

struct StepOption {
  const char* name;
  nlohmann::json default_value;  // its type is the option's type: integer, number, boolean, string, array of strings
  const char* meaning;
  double min = -std::numeric_limits<double>::infinity();  // inclusive; for numbers
  double max = std::numeric_limits<double>::infinity();
};

enum class StepKind { kTransform, kFilter };

struct StepEntry {
  const char* name;
  StepKind kind;
  const char* summary;
  std::vector<StepOption> options;
  std::unique_ptr<CleanStep> (*make)(const nlohmann::json& options);  // options: resolved, every one present
};

const std::vector<StepEntry>& clean_steps();

// Every option of the entry, with the given values checked for name, type and range.
// Throws Error(kUsage) that names the option and the nearest known one; where: see CleanChain.
nlohmann::json resolve_options(const StepEntry& entry, const nlohmann::json& given, const std::string& where);
// Throws Error(kUsage) with the nearest name when there is no such step.
const StepEntry& find_clean_step(const std::string& name, const std::string& where);

struct StepScore {
  const char* step;
  std::string reason;
  double score;
};

struct CleanResult {
  bool keep = true;
  std::string step;               // the filter that dropped the document; empty when kept, or too large
  std::string reason;             // its reason
  std::vector<StepScore> scores;  // one a filter that was asked, in order; the one that dropped is the last
};

// A document above this is dropped unread: reason document_too_large, step empty.
inline constexpr size_t kMaxDocumentBytes = size_t{1} << 30;

class CleanChain {
 public:
  // spec: an array of names and one-key objects {name: {option: value}}. where: the place for messages
  // ("recipe.yaml:14:3"); the index in the array is added to it. An empty array keeps everything.
  explicit CleanChain(const nlohmann::json& spec, const std::string& where = "");

  // Runs the steps in order and stops at the first filter that drops. Thread-safe.
  CleanResult run(std::string& text) const;

  // The spec with every default written out; CleanChain(resolved()) is the same chain.
  const nlohmann::json& resolved() const { return resolved_; }

 private:
  struct Link {
    StepKind kind;
    std::unique_ptr<CleanStep> step;
  };
  std::vector<Link> links_;
  nlohmann::json resolved_;
};

}  // namespace athanor
