// Small made-up tables for the tests of trees and ensembles.
#pragma once

#include <string>
#include <vector>

#include "athanor/classic/models/model.h"

namespace athanor::tree_testing {

struct Made {
  Matrix x;
  Target target;
};

// Features uniform in [-1, 1]; y = 3 (x0 > 0.2) + 2 x0 x1 + sin(4 x1), whatever the number of
// columns.
Made smooth_rows(uint64_t rows, uint64_t columns, uint64_t seed);
// The class is where x0 lies, apart from 1 % of the rows.
Made class_rows(uint64_t rows, uint64_t columns, int classes, uint64_t seed);
Made shuffled(const Made& made);

double rmse(const Matrix& predicted, const Target& target);
double deviation(const Target& target);
double accuracy(const Matrix& predicted, const Target& target);

// The files of a model fitted with so many threads, one string.
std::string fitted_bytes(const std::string& kind, const nlohmann::json& options, const Made& made,
                         int threads);
std::string bytes_of(const ClassicModel& model, const std::string& kind,
                     const nlohmann::json& options, Task task);
// Writes it and reads it again.
std::unique_ptr<ClassicModel> reloaded(const ClassicModel& model, const std::string& kind,
                                       const nlohmann::json& options, Task task);
// What the Error said, with its place; empty when none was thrown.
std::string message_of(const std::function<void()>& act);

}  // namespace athanor::tree_testing
