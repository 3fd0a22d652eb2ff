// Mixtures of Gaussians by expectation-maximisation (Dempster, Laird, Rubin 1977), as scikit-learn's: first
// responsibilities by k-means, until the mean log-likelihood of a row changes by less than the tolerance.
//   clusters   the likeliest component, then each one's responsibility
//   anomaly    -log p(row); threshold(): `contamination` of the training rows lie above it
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct MixtureOptions {
  int64_t components = 1;
  std::string shape = "full";
  int64_t starts = 1;
  int64_t max_iterations = 100;
  double tolerance = 1e-3;
  double added = 1e-6;
  double contamination = 0.1;
  static void fields(Fields<MixtureOptions>& f) {
    f.add("components", &MixtureOptions::components, "how many Gaussians").range(1, 1e5);
    f.add("shape", &MixtureOptions::shape, "covariance: one full matrix each, one for all, a variance a column, or one variance")
        .choices({"full", "tied", "diag", "spherical"});
    f.add("starts", &MixtureOptions::starts, "runs from other k-means; the likeliest wins").range(1, 1000);
    f.add("max_iterations", &MixtureOptions::max_iterations, "rounds a start").range(1, 1e6);
    f.add("tolerance", &MixtureOptions::tolerance, "stop when the mean log-likelihood gains less").range(0, 1e3);
    f.add("added", &MixtureOptions::added, "added to every variance").range(0, 1e9);
    f.add("contamination", &MixtureOptions::contamination, "anomaly: share of odd rows").range(0, 0.5);
  }
};
std::unique_ptr<ClassicModel> make_gaussian_mixture(const nlohmann::json& options, Task task);

struct Mixture {
  std::string shape;
  size_t components = 0;
  size_t columns = 0;
  std::vector<double> weights;
  std::vector<double> means;        // components x columns
  std::vector<double> covariances;  // full: components x columns x columns; tied: one; diag: components x columns;
                                    // spherical: one each
  int64_t iterations = 0;
  double bound = 0;  // mean log-likelihood before the last step
  bool settled = true;

  // Inverse Cholesky factors (rows of L^-1, or 1 / deviation) and log determinants. False where a covariance is singular.
  bool factorise();
  // log(weight p(row)) of each component; its log-sum-exp is log p(row).
  void log_joint(const double* row, double* out) const;

 private:
  std::vector<double> factors_;
  std::vector<double> log_determinants_;
};
// From given responsibilities (rows x components).
Mixture mixture_from(const Matrix& x, std::vector<double> responsibilities, const MixtureOptions& options, FitContext& context);

}  // namespace athanor::classic
