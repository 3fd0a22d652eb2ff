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

// Rows of one shard, up to `end`.
struct PartCut {
  std::string key;
  uint64_t end;        // row after the part, counted over all shards
  uint64_t kept = 0;   // rows of it
  uint64_t bytes = 0;  // of these
};

// The parts of every shard, of about part_bytes of text each. The cut depends only on the sizes of the texts.
std::vector<std::vector<PartCut>> cut_into_parts(const Documents& input, uint64_t part_bytes = kPartBytes);

// Reads one shard and calls fn with the documents of each part that is wanted (a flag a part). Looks for an interrupt at
// every row.
void read_parts(const Documents& input, size_t shard, const std::vector<PartCut>& parts, const std::vector<bool>& wanted,
                const std::function<void(const PartCut&, std::vector<Document>&)>& fn);

// Calls fn for all parts in order. Shards without work are not read. In a merge a part that is not there is Error(kInput)
// that names the verb.
void for_each_part(const Documents& input, const PartJournal& journal, const StageContext& context,
                   const std::function<void(const DocumentPart&)>& fn, uint64_t part_bytes = kPartBytes);

// Which parts of a shard are this process's and not done; number: parts of the shards before it.
std::vector<bool> parts_to_do(const std::vector<PartCut>& parts, size_t number, const PartJournal& journal,
                              const StageContext& context);

// The extra columns of input for its kept rows, for texts that are written anew; but those in `columns` already.
void add_columns_of(const Documents& input, std::vector<Column>& columns);

}  // namespace athanor
