// predict with an estimator of tables: a shard's rows at a time, columns beside the documents.
#include "athanor/stage/predict_table.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/classic/table_estimator.h"
#include "athanor/data/tables/read_table.h"
#include "athanor/stage/explain_table.h"
#include "athanor/stage/idle_options.h"
#include "athanor/stage/table_rows.h"

namespace athanor {

namespace {

// The answers of all rows (kept ones get them), as columns of the artifact.
class AnswerColumns {
 public:
  AnswerColumns(const TableEstimator& estimator, const PredictOptions& options, uint64_t rows)
      : estimator_(estimator), options_(options) {
    const std::string& as = options.as;
    switch (estimator.spec().task) {
      case Task::kClasses:
        texts_[as + "_label"].resize(rows);
        numbers_[as + "_score"].resize(rows, 0.0);
        add_label_columns(rows);
        break;
      case Task::kMultiLabel:
        texts_[as + "_labels"].resize(rows);
        add_label_columns(rows);
        break;
      case Task::kRegression:
        numbers_[as + "_value"].resize(rows, 0.0);
        break;
      case Task::kClusters:
        integers_[as + "_cluster"].resize(rows, -1);
        break;
      case Task::kAnomaly:
        numbers_[as + "_score"].resize(rows, 0.0);
        integers_[as + "_odd"].resize(rows, 0);
        break;
    }
  }

  void set_reasons(const std::vector<uint64_t>& rows, std::vector<std::string> reasons, uint64_t all_rows) {
    auto& column = texts_[options_.as + "_why"];
    column.resize(all_rows);
    for (size_t i = 0; i < rows.size(); ++i) {
      column[rows[i]] = std::move(reasons[i]);
    }
  }

  void set(const std::vector<uint64_t>& rows, const TableAnswers& answers) {
    const std::string& as = options_.as;
    const auto& labels = estimator_.labels();
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint64_t row = rows[i];
      switch (estimator_.spec().task) {
        case Task::kClasses: {
          const auto best = static_cast<size_t>(answers.classes[i]);
          const double score = answers.scores.at(i, best);
          numbers_[as + "_score"][row] = score;
          if (!answers.probabilities || score >= options_.threshold) {
            texts_[as + "_label"][row] = labels[best];
          }
          ++counts_[texts_[as + "_label"][row]];
          set_label_columns(row, answers, i);
          break;
        }
        case Task::kMultiLabel: {
          auto list = nlohmann::json::array();
          for (size_t c = 0; c < labels.size(); ++c) {
            if (answers.marks[i * labels.size() + c] != 0) {
              list.push_back(labels[c]);
              ++counts_[labels[c]];
            }
          }
          texts_[as + "_labels"][row] = list.dump();
          set_label_columns(row, answers, i);
          break;
        }
        case Task::kRegression:
          numbers_[as + "_value"][row] = answers.values[i];
          break;
        case Task::kClusters:
          integers_[as + "_cluster"][row] = answers.classes[i];
          ++counts_[std::to_string(answers.classes[i])];
          break;
        case Task::kAnomaly:
          numbers_[as + "_score"][row] = answers.values[i];
          integers_[as + "_odd"][row] = answers.classes[i];
          ++counts_[answers.classes[i] == 0 ? "usual" : "odd"];
          break;
      }
    }
  }

  std::vector<Column> columns() {
    std::vector<Column> out;
    for (auto& [name, values] : texts_) {
      out.push_back({name, std::move(values)});
    }
    for (auto& [name, values] : numbers_) {
      out.push_back({name, std::move(values)});
    }
    for (auto& [name, values] : integers_) {
      out.push_back({name, std::move(values)});
    }
    return out;
  }
  const std::map<std::string, uint64_t>& counts() const { return counts_; }

 private:
  // Column names hold no dots. What is no probability is not called one.
  std::string column_of(std::string label) const {
    std::replace(label.begin(), label.end(), '.', '_');
    return options_.as + (estimator_.model().gives_probabilities() ? "_p_" : "_score_") + label;
  }

  void add_label_columns(uint64_t rows) {
    if (!options_.probabilities) {
      return;
    }
    std::map<std::string, std::string> owners;
    for (const auto& label : estimator_.labels()) {
      const auto [owner, fresh] = owners.emplace(column_of(label), label);
      if (!fresh) {
        throw Error(ErrorKind::kInput, "the labels '" + owner->second + "' and '" + label + "' would both be column " + owner->first,
                    "predict.probabilities", "rename one of them in the training rows: dots become lines");
      }
      numbers_[owner->first].resize(rows, 0.0);
    }
  }

  void set_label_columns(uint64_t row, const TableAnswers& answers, size_t i) {
    const auto& labels = estimator_.labels();
    for (size_t c = 0; options_.probabilities && c < labels.size(); ++c) {
      numbers_[column_of(labels[c])][row] = answers.scores.at(i, c);
    }
  }

  const TableEstimator& estimator_;
  const PredictOptions& options_;
  std::map<std::string, std::vector<std::string>> texts_;
  std::map<std::string, std::vector<double>> numbers_;
  std::map<std::string, std::vector<int64_t>> integers_;
  std::map<std::string, uint64_t> counts_;
};

// What an answer of this kind has no use for would be believed to work.
void check_options(const TableEstimator& estimator, const PredictOptions& options) {
  const auto refuse = [&](const char* option, const std::string& why, const std::string& hint) {
    throw Error(ErrorKind::kUsage, std::string(option) + " does nothing here: " + why, std::string("predict.") + option, hint);
  };
  const Task task = estimator.spec().task;
  const std::string kind = estimator.spec().kind;
  if (options.threshold > 0 && task != Task::kClasses) {
    refuse("threshold", std::string("the estimator answers ") + name_of(task) + ", not one label", "leave it out");
  }
  if (options.threshold > 0 && !estimator.model().gives_probabilities()) {
    refuse("threshold", kind + " gives no probabilities", "fit kind: calibrated model: {of: " + kind + "} gives them");
  }
  if (options.probabilities && task != Task::kClasses && task != Task::kMultiLabel) {
    refuse("probabilities", std::string("the estimator answers ") + name_of(task), "leave it out");
  }
  refuse_idle(dump_options(options, true), dump_options(PredictOptions{}, true), {"sequence_length", "batch_size", "precision"},
              "predict", "a language model", "an estimator");
}

}  // namespace

bool is_table_estimator(const fs::path& folder) {
  std::error_code code;
  const fs::path info = folder / "estimator.json";
  if (!fs::is_regular_file(info, code)) {
    return false;
  }
  const auto json = nlohmann::json::parse(read_file(info, uint64_t{1} << 28), nullptr, false);
  return json.is_object() && json.contains("kind") && json["kind"] == "table";
}

nlohmann::json predict_table(StageContext& context, const PredictOptions& options, const fs::path& folder) {
  if (context.shard.count > 1) {
    throw Error(ErrorKind::kUsage, "an estimator of tables is asked by one process", "predict", "without shard=");
  }
  const TableEstimator estimator = TableEstimator::open(folder);
  check_options(estimator, options);
  const TableSchema schema = TableSchema::from_json(estimator.info().value("table", nlohmann::json::object()), folder.string());
  const Documents documents = Documents::open(context.input("documents").path);
  ThreadPool pool(static_cast<int>(options.threads));
  AnswerColumns answers(estimator, options, documents.num_rows());
  std::map<std::string, uint64_t> odd;
  std::map<std::string, UnseenCells> unseen;
  for (size_t shard = 0; shard < documents.num_shards(); ++shard) {
    check_interrupt();
    context.progress.update(static_cast<double>(shard) / static_cast<double>(documents.num_shards()),
                            grouped_integer(static_cast<int64_t>(documents.first_row(shard))) + " rows");
    TableReader reader(schema);
    std::vector<uint64_t> rows;
    documents.for_each_in(shard, [&](uint64_t row, Document&& document) {
      reader.add(document);
      rows.push_back(row);
    });
    if (rows.empty()) {
      continue;
    }
    for (const ColumnPlan& column : schema.columns) {
      if (column.from == ColumnSource::kColumn && documents.has_column(column.key)) {
        const ColumnValues all = documents.shard_column(shard, column.key);
        std::visit(
            [&](const auto& values) {
              std::decay_t<decltype(values)> kept;
              for (const uint64_t row : rows) {
                kept.push_back(values[row - documents.first_row(shard)]);
              }
              reader.add_column(column.key, ColumnValues(std::move(kept)));
            },
            all);
      }
    }
    TableNotes notes;
    const Table table = reader.finish(notes);
    for (const ColumnNote& note : notes.columns) {
      odd[note.name] += note.unreadable + note.infinite;
    }
    const Matrix features = estimator.features(table, pool);
    add_unseen(estimator.pipeline(), table, unseen);
    const TableAnswers found = estimator.answers_of(features, pool);
    answers.set(rows, found);
    if (options.explain) {
      answers.set_reasons(rows, reasons_of_rows(estimator, features, found, pool), documents.num_rows());
    }
  }
  for (const auto& [name, count] : odd) {
    if (count > 0) {
      context.warn("column '" + name + "': " + grouped_integer(static_cast<int64_t>(count)) +
                   " values are not of its kind and count as missing");
    }
  }
  for (const auto& warning : unseen_warnings(unseen)) {
    context.warn(warning);
  }
  const Task task = estimator.spec().task;
  if (options.probabilities && (task == Task::kClasses || task == Task::kMultiLabel) && !estimator.model().gives_probabilities()) {
    context.warn(estimator.spec().kind + " gives decision values, no probabilities: the columns are " + options.as +
                 "_score_LABEL (fit kind: calibrated model: {of: " + estimator.spec().kind + "} gives probabilities)");
  }
  const std::vector<Column> columns = answers.columns();
  write_filtered(context.run.out_tmp(), documents, {}, columns);
  std::string names;
  for (const auto& column : columns) {
    names += (names.empty() ? "" : ", ") + column.name;
  }
  nlohmann::json result{{"documents", documents.num_documents()}, {"text_bytes", documents.text_bytes()},
                        {"kind", estimator.spec().kind},
                        {"summary", grouped_integer(static_cast<int64_t>(documents.num_documents())) + " rows got " + names}};
  if (!answers.counts().empty() && answers.counts().size() <= 1000) {
    result["labels"] = answers.counts();
  }
  return result;
}

}  // namespace athanor
