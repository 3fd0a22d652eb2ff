// k nearest neighbours: the rows themselves are the model. Equal distances go to the row that came first. With weights by
// distance a neighbour counts 1 / distance; rows at distance 0, where there are some, count alone.
// Training weights multiply a neighbour's say; rows of weight 0 are left out.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct KnnOptions {
  int64_t neighbours = 5;
  std::string weights = "uniform";
  std::string metric = "euclidean";
  std::string search = "auto";
  static void fields(Fields<KnnOptions>& f) {
    f.add("neighbours", &KnnOptions::neighbours, "how many are asked").range(1, 1e6);
    f.add("weights", &KnnOptions::weights, "what a neighbour counts").choices({"uniform", "distance"});
    f.add("metric", &KnnOptions::metric, "how far rows are from each other").choices({"euclidean", "manhattan", "cosine"});
    f.add("search", &KnnOptions::search, "all rows, or a k-d tree; the same neighbours").choices({"auto", "brute", "tree"}).speed();
  }
};
std::unique_ptr<ClassicModel> make_knn(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
