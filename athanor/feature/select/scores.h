// How much each feature says about the target, or by itself. One score a column; the higher the
// better. Private to this room.
#pragma once

#include "athanor/feature/transform.h"

namespace athanor {

// Around the mean, of the population (scikit-learn's VarianceThreshold).
std::vector<double> variance_scores(const Matrix& x);
// The size of Pearson's or Spearman's correlation with the target; of several classes the highest
// of each against the rest.
std::vector<double> correlation_scores(const Matrix& x, const Target& target, bool by_rank,
                                       ThreadPool& pool);
// Pearson's chi-squared between classes and sums of features, which are at least 0: counts, shares
// (sklearn chi2). Error(kInput) that names a column below 0.
std::vector<double> chi2_scores(const Matrix& x, const Target& target);
// F of the analysis of variance: f_classif for classes, f_regression for numbers.
std::vector<double> anova_scores(const Matrix& x, const Target& target);
// Mutual information in nats (mutual_info_classif, mutual_info_regression). Features of at most 32
// different values count as discrete: exact; else the k-nearest-neighbour estimators of Kraskov,
// Stoegbauer, Grassberger 2004 and Ross 2014, which want no ties: noise from the seed parts equal numbers.
std::vector<double> mutual_information_scores(const Matrix& x, const Target& target,
                                              int64_t neighbors, uint64_t seed, ThreadPool& pool);

// Classes 0, 1, ... of a target, one a row; of several labels each label's marks apart.
std::vector<std::vector<int32_t>> class_targets(const Target& target);
// Error(kInput) that names a column with missing values.
void expect_no_gaps(const Matrix& x, const char* step);
// Column by column, zeros of sparse rows written out.
std::vector<double> column_of(const Matrix& x, uint64_t column);

}  // namespace athanor
