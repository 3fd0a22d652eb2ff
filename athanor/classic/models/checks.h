// What every model refuses, said the same way: sizes that do not fit, missing values, infinities, odd weights.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "athanor/feature/matrix.h"
#include "athanor/feature/saved.h"
#include "athanor/feature/transform.h"

namespace athanor::classic {

// Before fit(): at least one row and one column; finite numbers (the column by name, "impute"); a target of as many rows,
// classes in range, marks of the right size; weights finite, not negative, not all 0. Error(kInput).
void check_training(const Matrix& x, const Target& target, bool finite = true);
// Before predict(): as many columns as the model knows, finite numbers.
void check_rows(const Matrix& x, uint64_t columns);
// Numbers that come out of a model or a fit. what: "a prediction", "a coefficient".
void check_result(std::span<const double> values, const char* what);
// Error(kInput) that names the first column with a value below 0. who: "naive_bayes by multinomial".
void check_not_negative(const Matrix& x, const std::string& who);

// A stored array whose numbers are all finite.
std::vector<double> read_finite(const SavedReader& in, const std::string& name, size_t size);
// A stored count in [minimum, maximum].
int64_t read_count(const SavedReader& in, const char* key, int64_t minimum, int64_t maximum);
// a * b; fails where it would not fit into `limit`.
size_t checked_product(const SavedReader& in, int64_t a, int64_t b, int64_t limit = int64_t{1} << 40);

constexpr int64_t kMaxColumns = int64_t{1} << 32;
constexpr int64_t kMaxClasses = int64_t{1} << 20;

// [begin, end) pieces of a fixed size, in parallel. Sums over rows are kept a piece and added in their order.
void for_pieces(ThreadPool& pool, size_t count, size_t piece,
                const std::function<void(size_t index, size_t begin, size_t end)>& work);
inline size_t num_pieces(size_t count, size_t piece) { return (count + piece - 1) / piece; }

}  // namespace athanor::classic
