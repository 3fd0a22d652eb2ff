// Two models on the same rows, or over the same folds: is one better?
//
//   const Comparison c = mcnemar(right_a, right_b);      // c.p_value < 0.05
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "athanor/base/thread_pool.h"

namespace athanor {

struct Comparison {
  std::string test;       // "McNemar, exact", ...
  double difference = 0;  // the mean of b less that of a
  double low = 0;         // interval of the difference; equal to it where the test gives none
  double high = 0;
  double p_value = 1;     // two-sided
  uint64_t a_only = 0;    // McNemar: rows that only a, only b has right
  uint64_t b_only = 0;
};

// Right or wrong, a row each: McNemar 1947, exact (binomial) up to 1,000 rows on which they differ, else with the chi-squared
// distribution and a continuity correction. The interval is that of the difference of two shares of paired rows (Wald).
Comparison mcnemar(const std::vector<uint8_t>& right_a, const std::vector<uint8_t>& right_b, double confidence = 0.95);

// Losses (or gains) a row each: bootstrap of the mean difference; p: twice the share of replicas on the other side of 0.
Comparison paired_bootstrap(const std::vector<double>& a, const std::vector<double>& b, uint64_t seed, ThreadPool& pool,
                            double confidence = 0.95, int64_t replicas = 10'000);

// Scores a fold each, of repeated cross-validation: the corrected resampled t-test (Nadeau, Bengio 2003);
// test_share: rows of a test fold over rows of its training part.
Comparison corrected_t_test(const std::vector<double>& a, const std::vector<double>& b, double test_share,
                            double confidence = 0.95);

// Distribution functions that these need, and others too.
double student_t_two_sided(double t, double degrees);    // P(|T| > |t|)
double student_t_quantile(double p, double degrees);
double chi_squared_above(double x, double degrees);      // P(X > x)
double regularized_beta(double a, double b, double x);   // I_x(a, b)
double regularized_gamma_q(double a, double x);          // Q(a, x)

}  // namespace athanor
