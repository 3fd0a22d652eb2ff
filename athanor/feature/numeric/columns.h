// Columns of a dense matrix one by one: what the numeric transforms learn from. Private to this
// room.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "athanor/feature/transform.h"

namespace athanor {

// The values of a column that are there, in the order of rows.
std::vector<double> present_values(const Matrix& x, uint64_t column);
// fn(column, its present values) for every column, in parallel; fn writes only to places of its own
// column.
void for_each_column(const Matrix& x, ThreadPool& pool,
                     const std::function<void(uint64_t column, std::vector<double>& values)>& fn);
// fn(begin, end) over stretches of rows, in parallel.
void for_each_stretch(uint64_t rows, ThreadPool& pool,
                      const std::function<void(uint64_t begin, uint64_t end)>& fn);

double mean_of(std::span<const double> values);
// Of the population, around the mean; two passes.
double variance_of(std::span<const double> values, double mean);

// Error(kUsage) where x is sparse, with what to do; Error(kInput) where it has another number of
// columns than was learnt.
void expect_dense(const Matrix& x, const char* step, const char* hint);
void expect_columns(const Matrix& x, uint64_t columns, const char* step);
// The same for an encoder's columns of a table.
void expect_inputs(uint64_t given, uint64_t columns, const char* step);

}  // namespace athanor
