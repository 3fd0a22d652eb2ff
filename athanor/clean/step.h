// One step of cleaning, and the table of all of them. A new step is one file pair (its class, its options and its
// metrics) and one line in clean/step_table.cc; recipes, `explain`, the docs and the tests walk that table.
//
// A step works in two phases. measure() reads the document, may rewrite its text, and writes numbers; decide() says
// keep or drop from these numbers alone. So the numbers can be kept as columns beside the documents (the ledger), and
// a changed threshold re-reads numbers and not text:
//
//   CleanChain chain(nlohmann::json::parse(R"(["normalize", {"length": {"min_chars": 50}}, "gopher_quality"])"));
//   DocumentView document(text);
//   std::vector<Measures> measures;
//   if (!chain.measure(document, measures)) { count("document_too_large"); return; }
//   ChainVerdict verdict = chain.decide(measures);   // the same for every chain with equal measuring_spec()
//   if (!verdict.keep) { count(verdict.step, verdict.reason); }
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/clean/document_view.h"

namespace athanor {

// A filter's word on one document.
struct Verdict {
  bool keep = true;
  std::string reason;  // dropped: the rule that failed, as published; kept: empty, or a note on rules not applied
  double score = 0;    // dropped: what that rule measured
};

// Const and without hidden state: one object serves every thread.
class CleanStep {
 public:
  virtual ~CleanStep() = default;
  // Adds one value for each of the entry's metrics. Reads no threshold option.
  virtual void measure(DocumentView& document, Measures& out) const = 0;
  // A pure function of the measures and of the threshold options; the default keeps.
  virtual Verdict decide(const Measures& measures) const;
  // Opens what measure() needs and checks the options against it, before any document; without it the first measure()
  // does. Making a step reads no model and no list. Throws Error.
  virtual void open() const {}
  // Checks threshold options that can only be checked against a file. Throws Error.
  virtual void check_thresholds() const {}
  // Files beyond those that options name whose content decides what is measured.
  virtual std::vector<std::string> more_files() const { return {}; }
  // Whether measure() may change the text.
  virtual bool rewrites() const { return false; }
  // The number columns of the documents that measure() asks for.
  virtual std::vector<std::string> columns_needed() const { return {}; }
};

struct StepOption {
  const char* name;
  nlohmann::json default_value;  // its type is the option's type: integer, number, boolean, string, array of strings
  const char* meaning;
  double min = -std::numeric_limits<double>::infinity();  // inclusive; for numbers
  double max = std::numeric_limits<double>::infinity();
  bool threshold = false;  // read by decide() alone
  bool file = false;       // a path, or a list of paths, whose content decides what is measured: to be pinned
};
StepOption threshold(const char* name, nlohmann::json default_value, const char* meaning,
                     double min = -std::numeric_limits<double>::infinity(),
                     double max = std::numeric_limits<double>::infinity());
StepOption file_option(const char* name, nlohmann::json default_value, const char* meaning);

enum class MetricType { kNumber, kText };

struct StepMetric {
  const char* name;
  const char* meaning;
  MetricType type = MetricType::kNumber;
};

enum class StepKind { kTransform, kFilter, kBoth };

struct StepEntry {
  const char* name;
  StepKind kind;
  const char* summary;
  std::vector<StepOption> options;
  std::vector<StepMetric> metrics;
  std::unique_ptr<CleanStep> (*make)(const nlohmann::json& options);  // options: resolved, every one present
};

const std::vector<StepEntry>& clean_steps();

// Every option of the entry, with the given values checked for name, type and range.
// Throws Error(kUsage) that names the option and the nearest known one; where: see CleanChain.
nlohmann::json resolve_options(const StepEntry& entry, const nlohmann::json& given, const std::string& where);
// Throws Error(kUsage) with the nearest name when there is no such step.
const StepEntry& find_clean_step(const std::string& name, const std::string& where);

// A column of the ledger.
struct LedgerColumn {
  std::string name;  // "<step>_<metric>"; the second use of a step in a chain is "<step>_2_<metric>"
  MetricType type;
  std::string meaning;
  size_t step;   // the index in the chain
  size_t index;  // in Measures::numbers or ::texts of that step
};

struct StepVerdict {
  std::string step;  // its name, "<step>_2" for the second use
  Verdict verdict;
};

struct ChainVerdict {
  bool keep = true;
  std::string step;                   // the first filter that dropped the document; empty when kept
  std::string reason;                 // its reason
  double score = 0;                   // what its rule measured
  std::vector<StepVerdict> verdicts;  // of every step that is not a mere transform, in order
};

// A document above this is not measured: to be dropped with the reason document_too_large.
inline constexpr size_t kMaxDocumentBytes = size_t{1} << 30;
inline constexpr char kDocumentTooLarge[] = "document_too_large";

class CleanChain {
 public:
  // spec: an array of names and one-key objects {name: {option: value}}. where: the place for messages
  // ("recipe.yaml:14:3"); the index in the array is added to it. An empty array keeps everything.
  explicit CleanChain(const nlohmann::json& spec, const std::string& where = "");

  // Runs every step in order, each on the text that the one before left. measures[i] belongs to step i.
  // False when the document is too large: nothing is measured. Thread-safe.
  bool measure(DocumentView& document, std::vector<Measures>& measures) const;
  // The first filter that fails decides; every filter's word is given. Thread-safe.
  ChainVerdict decide(const std::vector<Measures>& measures) const;
  // measure() and decide(); a document too large has its reason and no step.
  ChainVerdict run(std::string& text) const;

  size_t num_steps() const { return links_.size(); }
  const std::vector<LedgerColumn>& columns() const { return columns_; }
  // Whether any step may change the text: then the text after the chain is an output of the measurement too.
  bool transforms_text() const;
  std::vector<std::string> columns_needed() const;
  // The same of every step, the place in the list added to what it throws.
  void open() const;
  void check_thresholds() const;
  // The files that decide what is measured, in order, each once: those that options name, and what lies beside them.
  std::vector<std::string> files() const;

  // The spec with every default written out; CleanChain(resolved()) is the same chain.
  const nlohmann::json& resolved() const { return resolved_; }
  // The same without the threshold options: two chains with equal measuring_spec() (and files) measure the same.
  const nlohmann::json& measuring_spec() const { return measuring_spec_; }

 private:
  struct Link {
    const StepEntry* entry;
    std::string label;
    std::string where;
    std::unique_ptr<CleanStep> step;
  };
  void add(const StepEntry& entry, const nlohmann::json& options, const std::string& where);

  std::vector<Link> links_;
  std::vector<LedgerColumn> columns_;
  nlohmann::json resolved_;
  nlohmann::json measuring_spec_;
};

}  // namespace athanor
