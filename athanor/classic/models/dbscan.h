// DBSCAN (Ester et al. 1996): rows with at least `least` rows within `radius` (themselves counted) are cores; cores within
// the radius of each other share a cluster, numbered by their first core; other rows within the radius of a core belong to
// the lowest such cluster; the rest is noise, -1. A row it has not seen is placed the same way.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct DbscanOptions {
  double radius = 0.5;
  int64_t least = 5;
  std::string metric = "euclidean";
  static void fields(Fields<DbscanOptions>& f) {
    f.add("radius", &DbscanOptions::radius, "how near a neighbour is (eps)").range(1e-300, 1e300);
    f.add("least", &DbscanOptions::least, "rows within the radius that make a core, itself counted").range(1, 1e9);
    f.add("metric", &DbscanOptions::metric, "how far rows are from each other").choices({"euclidean", "manhattan"});
  }
};
std::unique_ptr<ClassicModel> make_dbscan(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
