// Units of reading: stretches of the sources that know nothing of each other. The cut is a pure function of the
// sources and part_bytes, so that threads, kills and shards cannot change what comes out.
//   a plain file of lines         ranges of part_bytes; a record belongs to the range in which it begins
//   Parquet                       row groups, put together to about part_bytes
//   other files                   one unit each, read from its beginning; small ones are put together
//   npm, an address, a query      one unit; urls: groups of kUrlsOfUnit
// Within a unit a reader tells places where another process may go on (UnitPlace): a unit is kept in pieces.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "athanor/data/sources/source.h"

namespace athanor {

struct ReadUnit {
  size_t source = 0;           // index of the resolved source
  size_t first = 0, count = 1; // files of a local source, addresses of a list
  uint64_t begin = 0;          // bytes of a plain file, rows of Parquet; only where count is 1
  uint64_t end = UINT64_MAX;
  uint64_t bytes = 0;          // on disk, for progress
};

// Where reading may go on.
struct UnitPlace {
  uint64_t file = 0;      // counted within the unit
  uint64_t offset = 0;    // in it: decompressed bytes, or rows
  std::string state;      // the reader's
  StreamFrame frame;      // where decompression can begin to come to offset

  nlohmann::json to_json() const;
  static UnitPlace from_json(const nlohmann::json& json);  // Error(kInput) for what to_json() does not write
};

struct UnitSink {
  std::function<void(Document&&)> on_document;
  std::function<void(Rejected&&)> on_rejected;
  std::function<void(const char* what)> on_skipped;
  std::function<void(const std::string& what)> on_note;
  std::function<void(uint64_t bytes)> on_progress;  // of the unit's bytes
  // All before this was handed over. `place` makes the UnitPlace, when it is wanted.
  std::function<void(uint64_t offset, const std::function<UnitPlace()>& place)> on_boundary;
};

inline constexpr uint64_t kPartBytes = uint64_t{32} << 20;
inline constexpr size_t kUrlsOfUnit = 64;

std::vector<ReadUnit> cut_sources(std::span<const ResolvedSource> sources, uint64_t part_bytes = kPartBytes);

// Reads a unit from that place on. Returns what was learned about the bytes: pins with their digests, for the run's
// record (empty for local files, whose pins are known already).
std::vector<SourcePin> read_unit(const ResolvedSource& source, const ReadUnit& unit, const UnitPlace& from,
                                 SourceContext& context, const UnitSink& sink);

}  // namespace athanor
