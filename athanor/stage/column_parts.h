// Columns computed from texts, part by part: what predict and count have in common. A kill loses the part in flight;
// processes may share the parts (shard=i/n); text is not copied.
//
//   ColumnParts parts(context, documents, {{"num_tokens", ColumnType::kInt64}}, kPartBytes);
//   if (!parts.fill([&](const std::vector<Document>& texts) { return std::vector<ColumnValues>{count(texts)}; })) {
//     return nlohmann::json::object();  // other processes have the rest
//   }
//   parts.write([](size_t, std::vector<ColumnValues>&) {});
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "athanor/data/documents/documents.h"
#include "athanor/run/journal.h"
#include "athanor/run/verb.h"

namespace athanor {

class ColumnParts {
 public:
  // One vector a column, one value a document.
  using Judge = std::function<std::vector<ColumnValues>(const std::vector<Document>& documents)>;
  using Shard = std::function<void(size_t shard, std::vector<ColumnValues>& values)>;

  // documents outlive the object. part_bytes: text a part, about a second of work.
  ColumnParts(StageContext& context, const Documents& documents, std::vector<ColumnInfo> columns, uint64_t part_bytes);

  // Judges the parts that are this process's and not done yet. False when the rest is left to others.
  bool fill(const Judge& judge);

  // Calls fn for every shard with the values of its kept rows. After a fill that gave true.
  void for_each_shard(const Shard& fn) const;

  // Writes the artifact: columns over the shards of documents; rows that are not kept get "" or 0. extend may append the
  // columns named by `more` to the values of a shard's kept rows.
  void write(const Shard& extend, const std::vector<ColumnInfo>& more = {}) const;

 private:
  StageContext& context_;
  const Documents& documents_;
  std::vector<ColumnInfo> columns_;
  uint64_t part_bytes_;
  PartJournal journal_;
  std::vector<std::string> keys_;  // in the order of the rows
};

}  // namespace athanor
