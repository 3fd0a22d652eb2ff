// Documents as rows of a table with what is to be predicted: what fit and evaluate share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "athanor/data/documents/documents.h"
#include "athanor/data/readers/rejected.h"
#include "athanor/data/tables/read_table.h"
#include "athanor/feature/pipeline.h"
#include "athanor/feature/target.h"

namespace athanor {

// The labels of every kept document as text: none, one, or several (a list in meta; {""} is an empty list).
// libsvm: texts are rows of LIBSVM (TableOptions::format), which hold "label" and "qid" themselves.
std::vector<std::vector<std::string>> read_label_lists(const Documents& documents, const std::string& field, bool libsvm = false);

// What labels say of the task: lists of several: multilabel; numbers, more than 20 different or broken ones: regression, for
// which an infinity is as good as no number (with_target leaves it out); else classes. Error(kInput) where nearly all are numbers and a few are not: which, with an example.
Task task_of_labels(const std::vector<std::vector<std::string>>& labels, const std::string& field);

struct LostRows {
  std::string reason;
  uint64_t count = 0;
  std::string example;  // the first label; empty where there was none
};

struct TableRows {
  Table table;  // without the label's and the weight's column
  Target target;
  std::vector<uint64_t> places;  // of the table's rows among the kept documents
  std::vector<LostRows> lost;    // those that were left out, by reason
};

// "10 of 200 rows are left out: column 't', label is missing": a sentence a reason, for StageContext::warn.
std::vector<std::string> lost_warnings(const TableRows& rows, const std::string& field);

// Cells of a column that training did not have.
struct UnseenCells {
  uint64_t count = 0;
  std::string example;
};
// Adds those of the table to what is known, by column.
void add_unseen(const FeaturePipeline& pipeline, const Table& table, std::map<std::string, UnseenCells>& unseen);
// "column 'city': 40 values that training did not have, such as 'Rome'": a sentence a column.
std::vector<std::string> unseen_warnings(const std::map<std::string, UnseenCells>& unseen);

// At most so many characters (code points) of text, with "..." behind what was cut.
std::string first_characters(const std::string& text, size_t most);

// Drops rows without a label or with one that cannot be read ("no label", "label is not a number", "label is not finite", and with known labels
// "label not among those trained on") into rejects. names: the labels that an estimator knows (numbers are the same by value:
// 1.0 is 1); empty: learns them. Error(kInput) where no row is left, with the first reason and label. Without a
// truth (clusters, anomaly) every row stays.
TableRows with_target(Table table, const Documents& documents, const std::vector<std::vector<std::string>>& labels, Task task,
                      const std::vector<std::string>& names, RejectLog& rejects);

// Error(kInput) that names the row of a number too large to be learnt: sums of squares would be infinite.
void check_numbers(const TableRows& rows, const std::string& field);

// The column's numbers become weights (>= 0, at least one above) and leave the table. Error(kInput).
void take_weights(TableRows& rows, const std::string& column);
// "balanced": each class weighs the same in all; or a map of label to weight.
void weigh_classes(Target& target, const nlohmann::json& class_weights);

}  // namespace athanor
