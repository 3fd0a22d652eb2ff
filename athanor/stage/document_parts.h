// Documents cut into the parts of a PartJournal: texts are read only of parts that are to be done here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "athanor/data/documents/documents.h"
#include "athanor/run/journal.h"
#include "athanor/run/verb.h"

namespace athanor {

struct DocumentPart {
  std::string key;                         // "part-000012"
  uint64_t first;                          // kept rows before it
  const std::vector<Document>* documents;  // null when the part is done already, or another process's
  double share_done;                       // of all rows, after this part
  uint64_t bytes_done;
};

// Of a verb that reads 16 MB of text a second or more. A part is what a kill may lose: a second or so of work.
inline constexpr uint64_t kPartBytes = uint64_t{16} << 20;

// Calls fn for all parts in order. A part is about part_bytes of text of one shard. The cut depends only on the sizes of
// the texts. Shards without work are not read. Looks for an interrupt at
// every row. In a merge a part that is not there is Error(kInput) that names the verb.
void for_each_part(const Documents& input, const PartJournal& journal, const StageContext& context,
                   const std::function<void(const DocumentPart&)>& fn, uint64_t part_bytes = kPartBytes);

// The extra columns of input for its kept rows, for texts that are written anew; but those in `columns` already.
void add_columns_of(const Documents& input, std::vector<Column>& columns);

}  // namespace athanor
