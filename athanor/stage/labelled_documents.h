// Labelled documents as examples of a network: which labels there are, which documents validate, which are of no use.
#pragma once

#include <string>
#include <vector>

#include "athanor/data/documents/documents.h"
#include "athanor/data/readers/rejected.h"
#include "athanor/feature/inputs.h"

namespace athanor {

// The first label of every kept document, "" where there is none. field: as labels.h; or "folder".
std::vector<std::string> read_labels(const Documents& documents, const std::string& field);

// Labels that stand in other documents (a table of file and label): a document's key is the first group of `pattern` in its
// source, and the label is that of the row whose field `key` is equal. Error(kUsage) for a pattern that is no regular
// expression.
struct LabelTable {
  const Documents& rows;
  std::string key;
  std::string pattern;
};
std::vector<std::string> join_labels(const Documents& documents, const LabelTable& table, const std::string& field);

// Each once; as numbers where all are, else by their bytes.
std::vector<std::string> label_names(const std::vector<std::string>& labels);

// A share of each label's documents, chosen by a hash of (seed, id): true = validates. Of a label with two documents or
// more at least one trains. by_label: false for a regression.
std::vector<bool> held_out(const std::vector<std::string>& labels, const std::vector<std::string>& ids, double share,
                           int64_t seed, bool by_label);

// What a label becomes.
struct LabelMeaning {
  bool regression = false;
  std::vector<std::string> names;  // classification
  double mean = 0;                 // regression
  double deviation = 1;
};
// From the labels of the training documents. Error(kInput) with fewer than two labels, or a target that never changes.
LabelMeaning learn_labels(const std::vector<std::string>& labels, const std::vector<bool>& held, bool regression);

// Reads the documents with wanted[i] (all when empty); the others cost a look. What is of no use goes to `rejects`: "no label",
// "label is not a number", "label not among those trained on", and the reasons of inputs.
LabelledExamples read_examples(const Documents& documents, const std::vector<std::string>& labels,
                               const std::vector<bool>& wanted, const Inputs& inputs, const LabelMeaning& meaning,
                               RejectLog& rejects);

}  // namespace athanor
