// Statistics of a stretch of documents on disk: the parts of `describe`, so that a kill loses a shard and not the run.
// A file of this program for itself: fields one behind another, little-endian, counts before lists; no version, because
// parts never outlive their run.
#pragma once

#include "athanor/base/file.h"
#include "athanor/stage/describe_statistics.h"

namespace athanor {

void save_statistics(const fs::path& path, Statistics& statistics);
// Error(kInput) for a file that does not fit itself.
Statistics load_statistics(const fs::path& path);

}  // namespace athanor
