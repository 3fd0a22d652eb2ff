// The labels of documents: from a column, or from a key of their meta.
#pragma once

#include <string>
#include <vector>

#include "athanor/data/documents/documents.h"

namespace athanor {

class DocumentLabels {
 public:
  // A column named `field` is read now; without one the key of meta is taken.
  DocumentLabels(const Documents& documents, std::string field);

  // index counts the kept documents, in order. Empty when there is no label. A number is written as JSON writes it; a
  // list gives several labels.
  std::vector<std::string> of(size_t index, const Document& document) const;
  // Whether its label is an empty list: it has none of the labels, which is not the same as not being labelled.
  bool is_empty_list(const Document& document) const;

 private:
  std::string field_;
  bool has_column_ = false;
  std::vector<std::string> column_;
};

}  // namespace athanor
