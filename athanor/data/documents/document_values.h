// One text value a document, by a name as recipes give it, without reading texts: what documents are grouped,
// stratified or counted by.
//
//   DocumentValues hosts(documents, "meta.site.host");
//   hosts.for_each([](uint64_t row, std::string_view value) { ... });
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "athanor/data/documents/documents.h"

namespace athanor {

class DocumentValues {
 public:
  // name: an extra column (string, or int64 written in decimal), `id`, `source`, or `meta.FIELD` (dots go into objects; a
  // string is taken as it is, anything else as compact JSON, a field that is not there is empty). An unknown column, or
  // one of another type, is an Error(kUsage) that lists the columns there are; option names the key of the recipe.
  DocumentValues(const Documents& documents, std::string name, const std::string& option);

  // Whether the name can be asked for: false for an unknown column only.
  static bool known(const Documents& documents, const std::string& name);

  // The kept rows in order; memory holds one batch of rows. `row` counts all rows.
  void for_each(const std::function<void(uint64_t row, std::string_view value)>& fn) const;
  void for_each_in(size_t shard, const std::function<void(uint64_t row, std::string_view value)>& fn) const;

 private:
  const Documents& documents_;
  std::string column_;     // of the text shard, or the extra one
  std::string field_;      // of meta; empty: the column itself
  bool extra_ = false;
};

// The value of a field of a JSON object, as above; empty when it is not there or meta is no object.
std::string meta_value(std::string_view meta, std::string_view field);

}  // namespace athanor
