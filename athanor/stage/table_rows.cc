#include "athanor/stage/table_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"
#include "athanor/base/unicode.h"
#include "athanor/data/tables/cells.h"
#include "athanor/data/tables/libsvm.h"
#include "athanor/stage/labelled_documents.h"
#include "athanor/stage/labels.h"

namespace athanor {

namespace {

constexpr size_t kMostClassesOfNumbers = 20;
constexpr size_t kMostLabels = 100'000;
constexpr size_t kShownCharacters = 40;  // of a label, in a message
constexpr double kLargestNumber = 0x1p480;  // to be learnt: squares of larger ones, added up, would be infinite

void erase_column(Table& table, const std::string& name) {
  std::erase_if(table.columns, [&](const TableColumn& column) { return column.name == name; });
}

// As numbers where all are, else by their bytes.
std::vector<std::string> names_in(const std::vector<std::vector<std::string>>& labels) {
  std::vector<std::string> flat;
  for (const auto& some : labels) {
    flat.insert(flat.end(), some.begin(), some.end());
  }
  std::erase(flat, "");
  return label_names(flat);
}

// Of a row of LIBSVM: "+1,3" are two labels.
std::vector<std::string> labels_of_row(const std::string& text, const std::string& field) {
  LibsvmRow row;
  const char* reason = nullptr;
  if (!parse_libsvm_row(text, row, reason)) {
    return {};
  }
  return field == "label" ? split_text(row.label, ',') : field == "qid" ? std::vector{std::string(row.query)} : std::vector<std::string>{};
}

}  // namespace

std::string first_characters(const std::string& text, size_t most) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (size_t i = 0; i < most && at < end; ++i) {
    decode_utf8(at, end);
  }
  return at == end ? text : text.substr(0, static_cast<size_t>(at - text.data())) + "...";
}

std::vector<std::string> lost_warnings(const TableRows& rows, const std::string& field) {
  uint64_t all = rows.places.size();
  for (const LostRows& lost : rows.lost) {
    all += lost.count;
  }
  std::vector<std::string> out;
  for (const LostRows& lost : rows.lost) {
    out.push_back(grouped_integer(static_cast<int64_t>(lost.count)) + " of " + grouped_integer(static_cast<int64_t>(all)) +
                  " rows are left out: column '" + field + "', " + lost.reason +
                  (lost.example.empty() ? "" : ", such as '" + first_characters(lost.example, kShownCharacters) + "'"));
  }
  return out;
}

void add_unseen(const FeaturePipeline& pipeline, const Table& table, std::map<std::string, UnseenCells>& unseen) {
  for (const auto& [name, count] : pipeline.count_unseen(table)) {
    UnseenCells& known = unseen[name];
    known.count += count;
    const TableColumn& column = table.at(name);
    if (!known.example.empty() || column.kind != ColumnKind::kCategory) {
      continue;
    }
    std::vector<uint64_t> rows;  // one a level; halved until one unseen is left
    std::vector<bool> taken(column.levels.size(), false);
    for (uint64_t row = 0; row < table.rows; ++row) {
      if (column.codes[row] >= 0 && !taken[static_cast<size_t>(column.codes[row])]) {
        taken[static_cast<size_t>(column.codes[row])] = true;
        rows.push_back(row);
      }
    }
    while (rows.size() > 1) {
      std::vector<uint64_t> half(rows.begin(), rows.begin() + static_cast<ptrdiff_t>(rows.size() / 2));
      const bool here = pipeline.count_unseen(take_rows(table, half)).contains(name);
      rows = here ? std::move(half) : std::vector<uint64_t>(rows.begin() + static_cast<ptrdiff_t>(rows.size() / 2), rows.end());
    }
    known.example = column.levels[static_cast<size_t>(column.codes[rows.at(0)])];
  }
}

std::vector<std::string> unseen_warnings(const std::map<std::string, UnseenCells>& unseen) {
  std::vector<std::string> out;
  for (const auto& [column, cells] : unseen) {
    out.push_back("column '" + column + "': " + grouped_integer(static_cast<int64_t>(cells.count)) +
                  " values that training did not have" +
                  (cells.example.empty() ? "" : ", such as '" + first_characters(cells.example, kShownCharacters) + "'"));
  }
  return out;
}

std::vector<std::vector<std::string>> read_label_lists(const Documents& documents, const std::string& field, bool libsvm) {
  std::vector<std::vector<std::string>> labels;
  if (field == "folder" && !documents.has_column(field)) {
    for (auto& label : read_labels(documents, field)) {
      labels.push_back(label.empty() ? std::vector<std::string>{} : std::vector<std::string>{std::move(label)});
    }
    return labels;
  }
  const DocumentLabels reader(documents, field);
  bool any = false;
  documents.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    labels.push_back(reader.of(labels.size(), document));
    if (libsvm && labels.back().empty()) {
      labels.back() = labels_of_row(document.text, field);
    }
    for (auto& label : labels.back()) {
      label = std::string(trimmed_cell(label));
    }
    std::erase_if(labels.back(), [](const std::string& label) { return is_missing_mark(label, {}); });
    any = any || !labels.back().empty();
    if (labels.back().empty() && reader.is_empty_list(document)) {
      labels.back().emplace_back();
    }
  });
  if (!any) {
    throw Error(ErrorKind::kInput, "no document has the label field '" + field + "'", "label_field",
                "a column or a key of meta (athanor show lists them), or folder; task: clusters and task: anomaly "
                "want none");
  }
  return labels;
}

Task task_of_labels(const std::vector<std::vector<std::string>>& labels, const std::string& field) {
  std::set<double> numbers;
  bool broken = false;
  uint64_t count = 0;
  uint64_t others = 0;
  std::string example;
  for (const auto& some : labels) {
    if (some.size() > 1) {
      return Task::kMultiLabel;
    }
    for (const auto& label : some) {
      if (label.empty()) {
        continue;
      }
      double value = 0;
      const NumberCell read = parse_number(label, value);
      ++count;
      if (read == NumberCell::kInfinite) {
        continue;
      }
      if (read != NumberCell::kNumber) {
        ++others;
        example = example.empty() ? label : example;
      } else if (numbers.size() <= kMostClassesOfNumbers) {
        numbers.insert(value);
        broken = broken || value != std::floor(value);
      }
    }
  }
  const bool many = numbers.size() > kMostClassesOfNumbers || (broken && numbers.size() > 2);
  if (others > 0 && many && others * 20 < count) {
    throw Error(ErrorKind::kInput,
                "the label '" + field + "' holds numbers, but for " + std::to_string(others) + " of " + std::to_string(count) +
                    " rows, such as '" + first_characters(example, kShownCharacters) + "'",
                "label_field", "mend those rows, or say which it is: task: regression leaves them out, task: classes takes every number for a class");
  }
  return others == 0 && many ? Task::kRegression : Task::kClasses;
}

namespace {

// Where a label stands among the known ones. Numbers are found by their value: what was trained on as 1 reads 1.0 once a gap has
// made floats of the column.
class LabelPlaces {
 public:
  LabelPlaces(const std::vector<std::string>& labels, bool by_value) : by_value_(by_value) {
    for (size_t i = 0; i < labels.size(); ++i) {
      exact_.emplace(labels[i], static_cast<int32_t>(i));
      if (double value = 0; by_value && parse_number(labels[i], value) == NumberCell::kNumber) {
        const auto [at, is_new] = values_.emplace(exact_number(labels[i]), static_cast<int32_t>(i));
        at->second = is_new ? at->second : -1;  // 1 and 1.0 were two labels in training
      }
    }
  }

  // -1: it is not among them.
  int32_t of(const std::string& label) const {
    if (const auto found = exact_.find(label); found != exact_.end()) {
      return found->second;
    }
    double value = 0;
    if (!by_value_ || parse_number(label, value) != NumberCell::kNumber) {
      return -1;
    }
    const auto found = values_.find(exact_number(label));
    return found == values_.end() ? -1 : found->second;
  }

 private:
  bool by_value_;
  std::map<std::string, int32_t> exact_;
  std::map<std::string, int32_t> values_;
};

}  // namespace

TableRows with_target(Table table, const Documents& documents, const std::vector<std::vector<std::string>>& labels, Task task,
                      const std::vector<std::string>& names, RejectLog& rejects) {
  TableRows out;
  out.target.task = task;
  const bool learns = names.empty();
  if (task == Task::kClasses || task == Task::kMultiLabel) {
    out.target.labels = learns ? names_in(labels) : names;
  }
  if (out.target.labels.size() > kMostLabels) {
    throw Error(ErrorKind::kInput, std::to_string(out.target.labels.size()) + " different labels", "label_field",
                "numbers? then task: regression");
  }
  const LabelPlaces places(out.target.labels, !learns);
  std::vector<uint64_t> rows;
  const auto reject = [&](uint64_t row, const char* reason, const std::string& sample) {
    rejects.add({reason, "document " + table.ids[row], row, sample});
    auto known = std::find_if(out.lost.begin(), out.lost.end(), [&](const LostRows& lost) { return lost.reason == reason; });
    known = known == out.lost.end() ? out.lost.insert(known, {reason, 0, sample}) : known;
    ++known->count;
  };
  for (uint64_t row = 0; row < table.rows; ++row) {
    if (task == Task::kClusters || task == Task::kAnomaly) {
      rows.push_back(row);
      continue;
    }
    const auto& some = labels[row];
    const bool has_none = some.size() == 1 && some[0].empty();
    if (task == Task::kMultiLabel ? some.empty() && learns : some.empty() || has_none) {
      reject(row, "no label", "");
      continue;
    }
    if (task == Task::kRegression) {
      double value = 0;
      if (const NumberCell read = parse_number(some[0], value); read != NumberCell::kNumber) {
        reject(row, read == NumberCell::kInfinite ? "label is not finite" : "label is not a number", some[0]);
        continue;
      }
      out.target.values.push_back(value);
    } else {
      std::vector<uint8_t> marks(out.target.labels.size(), 0);
      bool known = true;
      for (const auto& label : has_none ? std::vector<std::string>() : some) {
        const int32_t place = places.of(label);
        known = known && place >= 0;
        if (place >= 0) {
          marks[static_cast<size_t>(place)] = 1;
        }
      }
      if (!known) {
        reject(row, "label not among those trained on", some[0]);
        continue;
      }
      if (task == Task::kClasses) {
        out.target.classes.push_back(places.of(some[0]));
      } else {
        out.target.marks.insert(out.target.marks.end(), marks.begin(), marks.end());
      }
    }
    rows.push_back(row);
  }
  rejects.finish();
  if (rows.empty()) {
    const LostRows lost = out.lost.empty() ? LostRows{} : out.lost.front();
    const std::string why = (lost.reason.empty() ? "" : ": " + lost.reason) +
                            (lost.example.empty() ? "" : ", such as '" + first_characters(lost.example, kShownCharacters) + "'");
    throw Error(ErrorKind::kInput, "no row of " + std::to_string(documents.num_documents()) + " is of use" + why, "",
                "rejected/rejected.jsonl says why");
  }
  if (learns && task == Task::kClasses && out.target.labels.size() < 2) {
    throw Error(ErrorKind::kInput, "all rows have the label '" + out.target.labels.at(0) + "'", "label_field",
                "two labels at least; task: anomaly learns from one kind of row");
  }
  out.table = rows.size() == table.rows ? std::move(table) : take_rows(table, rows);
  out.places = std::move(rows);
  return out;
}

void check_numbers(const TableRows& rows, const std::string& field) {
  for (size_t row = 0; row < rows.target.values.size(); ++row) {
    if (std::fabs(rows.target.values[row]) > kLargestNumber) {
      throw Error(ErrorKind::kInput, "column '" + field + "', row " + std::to_string(rows.places[row]) + " (document " +
                      rows.table.ids[row] + "): " + human_number(rows.target.values[row], 4) +
                      " is too large to be learnt, for squares of such numbers are infinite",
                  "label_field", "divide the column by a power of ten, or leave the row out");
    }
  }
}

void take_weights(TableRows& rows, const std::string& column) {
  if (column.empty()) {
    return;
  }
  if (rows.table.find(column) == nullptr) {
    std::vector<std::string> names;
    for (const TableColumn& one : rows.table.columns) {
      names.push_back(one.name);
    }
    throw Error(ErrorKind::kUsage, "there is no column '" + column + "'", "fit.weight_field", did_you_mean(column, names));
  }
  const TableColumn& weights = rows.table.at(column);
  if (weights.kind != ColumnKind::kNumber) {
    throw Error(ErrorKind::kInput, "the weights in '" + column + "' are no numbers", "fit.weight_field", "");
  }
  double sum = 0;
  for (uint64_t row = 0; row < rows.table.rows; ++row) {
    const double weight = weights.numbers[row];
    if (!(weight >= 0)) {
      throw Error(ErrorKind::kInput, "the weight of row " + std::to_string(row) + " (document " + rows.table.ids[row] + ") is " +
                      (std::isnan(weight) ? "missing" : "below 0"), "fit.weight_field", "a number of 0 or more in each row");
    }
    sum += weight;
  }
  if (sum <= 0) {
    throw Error(ErrorKind::kInput, "all weights in '" + column + "' are 0", "fit.weight_field", "");
  }
  rows.target.weights = weights.numbers;
  erase_column(rows.table, column);
}

void weigh_classes(Target& target, const nlohmann::json& class_weights) {
  if (class_weights.is_null() || class_weights == "" || (class_weights.is_object() && class_weights.empty())) {
    return;
  }
  if (target.task != Task::kClasses) {
    throw Error(ErrorKind::kUsage, "class weights are for classes", "fit.class_weights", "");
  }
  std::vector<double> of_class(target.labels.size(), 1.0);
  if (class_weights == "balanced") {
    std::vector<double> sums(target.labels.size(), 0.0);
    double total = 0;
    for (uint64_t row = 0; row < target.rows(); ++row) {
      sums[static_cast<size_t>(target.classes[row])] += target.weight(row);
      total += target.weight(row);
    }
    for (size_t c = 0; c < sums.size(); ++c) {
      of_class[c] = sums[c] > 0 ? total / (static_cast<double>(sums.size()) * sums[c]) : 0;
    }
  } else if (class_weights.is_object()) {
    for (const auto& [label, weight] : class_weights.items()) {
      const auto found = std::find(target.labels.begin(), target.labels.end(), label);
      if (found == target.labels.end()) {
        throw Error(ErrorKind::kUsage, "there is no label '" + label + "'", "fit.class_weights",
                    did_you_mean(label, target.labels));
      }
      if (!weight.is_number() || weight.get<double>() < 0) {
        throw Error(ErrorKind::kUsage, "the weight of '" + label + "' is no number of 0 or more", "fit.class_weights", "");
      }
      of_class[static_cast<size_t>(found - target.labels.begin())] = weight.get<double>();
    }
  } else {
    throw Error(ErrorKind::kUsage, "class_weights is 'balanced' or a map of label to number", "fit.class_weights", "");
  }
  std::vector<double> weights(target.rows());
  for (uint64_t row = 0; row < target.rows(); ++row) {
    weights[row] = target.weight(row) * of_class[static_cast<size_t>(target.classes[row])];
  }
  target.weights = std::move(weights);
}

}  // namespace athanor
