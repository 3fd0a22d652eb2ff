// Documents as rows of a table with what is to be predicted: what fit and evaluate share.
#pragma once

#include <string>
#include <vector>

#include "athanor/data/documents/documents.h"
#include "athanor/data/readers/rejected.h"
#include "athanor/data/tables/read_table.h"
#include "athanor/feature/target.h"

namespace athanor {

// The labels of every kept document as text: none, one, or several (a list in meta; {""} is an empty list).
std::vector<std::vector<std::string>> read_label_lists(const Documents& documents, const std::string& field);

// What labels say of the task: lists of several: multilabel; numbers, more than 20 different or broken ones: regression; else
// classes. Error(kInput) where nearly all are numbers and a few are not: which, with an example.
Task task_of_labels(const std::vector<std::vector<std::string>>& labels, const std::string& field);

struct TableRows {
  Table table;  // without the label's and the weight's column
  Target target;
  std::vector<uint64_t> places;  // of the table's rows among the kept documents
};

// Drops rows without a label or with one that cannot be read ("no label", "label is not a number", and with known labels
// "label not among those trained on") into rejects. names: the labels that an estimator knows; empty: learns them. Without a
// truth (clusters, anomaly) every row stays.
TableRows with_target(Table table, const Documents& documents, const std::vector<std::vector<std::string>>& labels, Task task,
                      const std::vector<std::string>& names, RejectLog& rejects);

// The column's numbers become weights (>= 0, at least one above) and leave the table. Error(kInput).
void take_weights(TableRows& rows, const std::string& column);
// "balanced": each class weighs the same in all; or a map of label to weight.
void weigh_classes(Target& target, const nlohmann::json& class_weights);

}  // namespace athanor
