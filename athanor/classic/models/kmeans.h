// k-means: greedy k-means++ (Arthur, Vassilvitskii 2007; the best of 2 + log k draws a centre), then Lloyd's rounds as
// scikit-learn runs them: until no row changes its cluster, or the centres move by less than tolerance * mean variance.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct KmeansOptions {
  int64_t clusters = 8;
  int64_t starts = 3;
  int64_t max_iterations = 300;
  double tolerance = 1e-4;
  static void fields(Fields<KmeansOptions>& f) {
    f.add("clusters", &KmeansOptions::clusters, "how many").range(1, 1 << 20);
    f.add("starts", &KmeansOptions::starts, "runs from other first centres; the least sum of squares wins").range(1, 1000);
    f.add("max_iterations", &KmeansOptions::max_iterations, "rounds a start").range(1, 1e6);
    f.add("tolerance", &KmeansOptions::tolerance, "stop when the centres move by less, squared, in units of the mean variance")
        .range(0, 1);
  }
};
std::unique_ptr<ClassicModel> make_kmeans(const nlohmann::json& options, Task task);

struct Lloyd {
  std::vector<double> centres;  // k x columns
  std::vector<int32_t> labels;
  double inertia = 0;  // sum of weight * squared distance to the own centre
  int64_t iterations = 0;
  bool settled = false;  // before max_iterations
};
// x is dense; weights empty: all 1. A cluster that runs empty takes the row farthest from its centre. The best of `starts`.
Lloyd kmeans(const Matrix& x, std::span<const double> weights, const KmeansOptions& options, FitContext& context);
// From given centres, once.
Lloyd kmeans_from(const Matrix& x, std::span<const double> weights, std::vector<double> centres,
                  const KmeansOptions& options, FitContext& context);

}  // namespace athanor::classic
