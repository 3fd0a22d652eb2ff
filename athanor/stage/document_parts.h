// Documents cut into the parts of a PartJournal: one pass over the kept rows, texts only of the parts not yet done.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "athanor/data/documents.h"
#include "athanor/run/journal.h"

namespace athanor {

struct DocumentPart {
  std::string key;                         // "part-000012"
  uint64_t first;                          // kept rows before it
  const std::vector<Document>* documents;  // null when the journal has the part
  double share_done;                       // of all rows, after this part
  uint64_t bytes_done;
};

// Parts hold about 16 MiB of text, a second or so of work: what a kill may lose. The cut depends only on the sizes of
// the texts. Looks for an interrupt at every row.
void for_each_part(const Documents& input, const PartJournal& journal,
                   const std::function<void(const DocumentPart&)>& fn);

}  // namespace athanor
