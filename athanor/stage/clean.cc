// clean: documents -> documents. What the rules measured stands in columns (verb measure, which comes before); here
// thresholds decide on these numbers. No text is read but that of a few examples, and none is copied. Rows of a table are
// cleaned by clean_table.cc.
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/step.h"
#include "athanor/data/documents/documents_columns.h"
#include "athanor/stage/clean_table.h"
#include "athanor/stage/measure.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

constexpr size_t kExamples = 3;        // a rule
constexpr size_t kExampleShards = 4;   // whose text is read for them, at most
constexpr size_t kExampleBytes = 160;  // of a text

struct CleanRecipe : CleanTableOptions {
  nlohmann::json rules = nlohmann::json::array({"normalize", {{"length", {{"min_chars", 20}}}}});
  int64_t threads = 0;
  static void fields(Fields<CleanRecipe>& f) {
    f.add("rules", &CleanRecipe::rules, "the chain, in order: names, or {name: {option: value}}");
    f.add("table", &CleanRecipe::table,
          "documents are rows of a table: steps over their fields, in order, instead of `rules`; or learnt: those of the "
          "clean under the role `learnt`, with what they learnt there");
    f.add("read", &CleanRecipe::read, "table: how columns are read");
    f.add("memory_mb", &CleanRecipe::memory_mb, "table: a larger one is an error").range(1, 1e9).speed();
    f.add("threads", &CleanRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

// The chain with every default written out.
void prepare_clean(nlohmann::json& resolved) {
  if (!resolved["table"].is_null()) {
    if (!resolved["rules"].empty() && resolved["rules"] != CleanRecipe().rules) {
      throw Error(ErrorKind::kUsage, "`rules` are for texts and `table` for rows of tables", "clean", "give each a step of its own");
    }
    resolved["rules"] = nlohmann::json::array();
    prepare_clean_table(resolved);
    return;
  }
  resolved["rules"] = CleanChain(resolved["rules"], "clean.rules").resolved();
}

BeforeStep measure_before(const nlohmann::json& options) {
  if (!options["table"].is_null()) {
    return {};
  }
  return {"measure",
          {{"rules", CleanChain(options["rules"], "clean.rules").measuring_spec()}, {"threads", options["threads"]}}};
}

struct Example {
  uint64_t row;
  double score;
};

// What one rule did, in the order of the chain.
struct Rule {
  std::string step;
  std::string reason;
  uint64_t dropped = 0;  // documents that no rule before it had dropped
  std::vector<Example> examples;
};

class Decider {
 public:
  Decider(StageContext& context, const CleanRecipe& recipe)
      : context_(context),
        input_(Documents::open(context.input("documents").path)),
        chain_(recipe.rules),
        keep_(input_.keep()) {
    std::vector<Measures> nothing(chain_.num_steps());
    for (const auto& column : chain_.columns()) {
      auto& measures = nothing[column.step];
      if (column.type == MetricType::kNumber) {
        measures.add(kDoesNotApply);
      } else {
        measures.add(std::string());
      }
    }
    for (const auto& verdict : chain_.decide(nothing).verdicts) {
      infos_.push_back({verdict.step + "_reason", ColumnType::kString});
      steps_.push_back(verdict.step);
    }
    infos_.push_back({"dropped_by", ColumnType::kString});
  }

  nlohmann::json run() {
    chain_.check_thresholds();
    const ColumnWriter writer(context_.run.out_tmp(), input_, infos_);
    for (size_t shard = 0; shard < input_.num_shards(); ++shard) {
      check_interrupt();
      writer.write_shard(shard, decide_shard(shard));
      context_.progress.update(static_cast<double>(shard + 1) / static_cast<double>(input_.num_shards()), "");
    }
    writer.finish(keep_);
    return report();
  }

 private:
  std::vector<ColumnValues> decide_shard(size_t shard) {
    const uint64_t first = input_.first_row(shard);
    const auto rows = static_cast<size_t>(input_.manifest().shards[shard].rows);
    std::vector<ColumnValues> ledger;
    for (const auto& column : chain_.columns()) {
      ledger.push_back(input_.shard_column(shard, column.name));
    }
    const ColumnValues bytes_column = input_.shard_column(shard, kMeasuredBytes);
    const auto& bytes = std::get<std::vector<int64_t>>(bytes_column);
    std::vector<std::vector<std::string>> reasons(infos_.size(), std::vector<std::string>(rows));
    std::vector<Measures> measures(chain_.num_steps());
    for (size_t row = 0; row < rows; ++row) {
      if (!input_.keep()[static_cast<size_t>(first) + row]) {
        continue;
      }
      ++documents_in_;
      ChainVerdict verdict;
      if (bytes[row] < 0) {
        verdict = {false, "", kDocumentTooLarge, 0, {}};
      } else {
        read_measures(ledger, row, measures);
        verdict = chain_.decide(measures);
        if (verdict.keep && bytes[row] == 0) {
          verdict = {false, "", "empty", 0, std::move(verdict.verdicts)};
        }
      }
      for (size_t i = 0; i < verdict.verdicts.size(); ++i) {
        reasons[i][row] = std::move(verdict.verdicts[i].verdict.reason);
      }
      if (!verdict.keep) {
        drop(first + row, verdict);
        reasons.back()[row] = (verdict.step.empty() ? "" : verdict.step + ": ") + verdict.reason;
      }
    }
    std::vector<ColumnValues> values;
    for (auto& column : reasons) {
      values.emplace_back(std::move(column));
    }
    return values;
  }

  void read_measures(const std::vector<ColumnValues>& ledger, size_t row, std::vector<Measures>& measures) const {
    for (Measures& of : measures) {
      of.clear();
    }
    for (size_t i = 0; i < ledger.size(); ++i) {  // columns() lists each step's metrics in their order
      Measures& of = measures[chain_.columns()[i].step];
      if (const auto* numbers = std::get_if<std::vector<double>>(&ledger[i])) {
        of.add((*numbers)[row]);
      } else {
        of.add(std::get<std::vector<std::string>>(ledger[i])[row]);
      }
    }
  }

  void drop(uint64_t row, const ChainVerdict& verdict) {
    keep_[static_cast<size_t>(row)] = false;
    Rule* rule = nullptr;
    for (Rule& known : rules_) {
      if (known.step == verdict.step && known.reason == verdict.reason) {
        rule = &known;
      }
    }
    if (rule == nullptr) {
      rules_.push_back({verdict.step, verdict.reason, 0, {}});
      rule = &rules_.back();
    }
    ++rule->dropped;
    if (rule->examples.size() < kExamples) {
      rule->examples.push_back({row, verdict.score});
    }
  }

  size_t place(const Rule& rule) const {
    return static_cast<size_t>(std::find(steps_.begin(), steps_.end(), rule.step) - steps_.begin());
  }

  // Ids and beginnings of the documents that stand as examples, by row.
  std::map<uint64_t, nlohmann::json> read_examples() const {
    std::map<size_t, std::vector<uint64_t>> wanted;
    for (const Rule& rule : rules_) {
      for (const Example& example : rule.examples) {
        size_t shard = 0;
        while (shard + 1 < input_.num_shards() && input_.first_row(shard + 1) <= example.row) {
          ++shard;
        }
        if (wanted.contains(shard) || wanted.size() < kExampleShards) {
          wanted[shard].push_back(example.row);
        }
      }
    }
    std::map<uint64_t, nlohmann::json> found;
    for (const auto& [shard, rows] : wanted) {
      input_.for_each_in(shard, [&, &rows = rows](uint64_t row, Document&& document) {
        if (std::find(rows.begin(), rows.end(), row) != rows.end()) {
          found[row] = {{"id", document.id},
                        {"source", document.source},
                        {"text", std::string(utf8_prefix(document.text, kExampleBytes))}};
        }
      });
    }
    return found;
  }

  nlohmann::json report() {
    std::stable_sort(rules_.begin(), rules_.end(), [&](const Rule& a, const Rule& b) {
      return std::pair(place(a), b.dropped) < std::pair(place(b), a.dropped);
    });
    const auto texts = read_examples();
    auto funnel = nlohmann::json::array();
    auto dropped = nlohmann::json::object();
    uint64_t left = documents_in_;
    for (const Rule& rule : rules_) {
      const std::string name = (rule.step.empty() ? "" : rule.step + ": ") + rule.reason;
      dropped[name] = rule.dropped;
      nlohmann::json row{{"rule", name}, {"in", left}, {"dropped", rule.dropped}, {"examples", nlohmann::json::array()}};
      left -= rule.dropped;
      row["out"] = left;
      for (const Example& example : rule.examples) {
        if (const auto text = texts.find(example.row); text != texts.end()) {
          row["examples"].push_back(text->second);
          row["examples"].back()["score"] = example.score;
        }
      }
      funnel.push_back(std::move(row));
    }
    if (left == 0) {
      throw Error(ErrorKind::kInput, "every document was dropped: " + dropped.dump(), "",
                  "athanor why DOCUMENT tells one document's scores; loosen clean.rules");
    }
    const Documents written = Documents::open(context_.run.out_tmp());
    context_.run.events().emit("counts", {{"in", documents_in_}, {"out", left}, {"dropped", dropped}});
    return {{"documents_in", documents_in_},
            {"documents", left},
            {"text_bytes_in", input_.text_bytes()},
            {"text_bytes", written.text_bytes()},
            {"dropped", dropped},
            {"funnel", funnel},
            {"summary", grouped_integer(static_cast<int64_t>(documents_in_)) + " -> " +
                            grouped_integer(static_cast<int64_t>(left)) + " documents, " +
                            human_bytes(static_cast<double>(written.text_bytes()))}};
  }

  StageContext& context_;
  Documents input_;
  CleanChain chain_;
  std::vector<bool> keep_;
  std::vector<ColumnInfo> infos_;
  std::vector<std::string> steps_;  // that judge, in the order of the chain
  std::vector<Rule> rules_;
  uint64_t documents_in_ = 0;
};

nlohmann::json execute_clean(StageContext& context) {
  const auto recipe = load_options<CleanRecipe>(context.options);
  return recipe.table.is_null() ? Decider(context, recipe).run() : execute_clean_table(context, recipe, recipe.threads);
}

std::string clean_notes() { return rules_text() + table_steps_text(); }

}  // namespace

Verb clean_verb() {
  Verb verb;
  verb.name = "clean";
  verb.revision = 4;
  verb.summary = "normalise text and drop documents by rules; clean the rows of tables";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to clean"},
                {"train", ArtifactKind::kDocuments, false, "table: the rows to learn means and bounds from; else `documents`"},
                {"learnt", ArtifactKind::kDocuments, false, "table: learnt: a clean of a table, to treat these rows the same"}};
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<CleanRecipe>();
  verb.prepare = prepare_clean;
  verb.check_inputs = check_clean_inputs;
  verb.before = measure_before;
  verb.execute = execute_clean;
  verb.notes = clean_notes;
  verb.example = "athanor clean from=collect-1a2b3c4d 'rules=[normalize, {length: {min_chars: 200}}, gopher_quality]'";
  return verb;
}

}  // namespace athanor
