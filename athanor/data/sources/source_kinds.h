// Private to the sources: the kinds beside local files.
#pragma once

#include "athanor/data/sources/source_unit.h"

namespace athanor {

ResolvedSource resolve_npm(const SourceSpec& spec, SourceContext& context);
std::vector<SourcePin> read_npm(const ResolvedSource& source, const UnitPlace& from, SourceContext& context,
                                const UnitSink& sink);

ResolvedSource resolve_http(const SourceSpec& spec);
std::vector<SourcePin> read_http(const ResolvedSource& source, const UnitPlace& from, SourceContext& context,
                                 const UnitSink& sink);

ResolvedSource resolve_urls(const SourceSpec& spec, SourceContext& context);
std::vector<SourcePin> read_urls(const ResolvedSource& source, const ReadUnit& unit, const UnitPlace& from,
                                 SourceContext& context, const UnitSink& sink);

ResolvedSource resolve_sql(const SourceSpec& spec, SourceContext& context);
std::vector<SourcePin> read_sql(const ResolvedSource& source, const UnitPlace& from, SourceContext& context,
                                const UnitSink& sink);

// One file, from `from.offset` on, as part of a unit: `number` is the file's number in it. `end` as in ReadInput.
struct FileRange {
  uint64_t number = 0;
  uint64_t begin = 0;  // a plain file of lines: the range [begin, end), not yet set to a record's beginning
  uint64_t end = UINT64_MAX;
};
void read_file_of_unit(const fs::path& path, const std::string& source, const Reader& reader,
                       const ReadOptions& options, const FileRange& range, const UnitPlace& from,
                       const UnitSink& sink);

// The reader for what a server sent, by the address' extension, else by its type; nullptr when there is none.
const Reader* find_reader_for_url(const std::string& url, const std::string& content_type);

}  // namespace athanor
