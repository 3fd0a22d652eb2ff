#include "athanor/feature/reduce/decompose.h"

#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>

#include "athanor/base/rng.h"
#include "athanor/feature/numeric/columns.h"

namespace athanor {

namespace {

constexpr uint64_t kMoreDirections = 10;
constexpr Eigen::Index kBlock = 8;  // columns of a result that one task makes

RowMajor orthonormal(const RowMajor& x) {
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(x);
  const Eigen::Index k = std::min(x.rows(), x.cols());
  return qr.householderQ() * Eigen::MatrixXd::Identity(x.rows(), k);
}

}  // namespace

void fix_signs(RowMajor& axes) {
  for (Eigen::Index i = 0; i < axes.rows(); ++i) {
    Eigen::Index largest = 0;
    axes.row(i).cwiseAbs().maxCoeff(&largest);
    if (axes(i, largest) < 0) {
      axes.row(i) = -axes.row(i);
    }
  }
}

Decomposition exact_svd(RowMajor x) {
  Decomposition out;
  if (x.rows() >= x.cols()) {
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(x);
    x.resize(0, 0);
    const Eigen::Index d = qr.matrixQR().cols();
    const Eigen::MatrixXd r = qr.matrixQR().topRows(d).triangularView<Eigen::Upper>();
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(r, Eigen::ComputeThinV);
    out.values = svd.singularValues();
    out.axes = svd.matrixV().transpose();
  } else {  // x' = Q R: the right vectors of x are Q times the left ones of R
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(Eigen::MatrixXd(x.transpose()));
    const Eigen::Index n = x.rows();
    const Eigen::MatrixXd r = qr.matrixQR().topRows(n).triangularView<Eigen::Upper>();
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(r, Eigen::ComputeThinU);
    Eigen::MatrixXd wide = Eigen::MatrixXd::Zero(x.cols(), n);
    wide.topRows(n) = svd.matrixU();
    const Eigen::MatrixXd right = qr.householderQ() * wide;
    out.values = svd.singularValues();
    out.axes = right.transpose();
  }
  fix_signs(out.axes);
  return out;
}

Decomposition random_svd(const LinearMap& map, uint64_t count, int64_t iterations, uint64_t seed,
                         const std::function<void(double)>& progress) {
  const uint64_t rank = std::min(map.rows, map.columns);
  const auto k =
      static_cast<Eigen::Index>(std::min(rank, count + std::max(kMoreDirections, count / 2)));
  RowMajor right(static_cast<Eigen::Index>(map.columns), k);
  Rng rng(seed);
  for (Eigen::Index i = 0; i < right.size(); ++i) {
    right.data()[i] = rng.normal();
  }
  RowMajor left = orthonormal(map.times(right));
  for (int64_t i = 0; i < iterations; ++i) {
    right = orthonormal(map.transposed_times(left));
    left = orthonormal(map.times(right));
    progress(static_cast<double>(i + 1) / static_cast<double>(iterations + 1));
  }
  const Eigen::MatrixXd small = map.transposed_times(left).transpose();  // k x columns
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(small, Eigen::ComputeThinV);
  const auto kept = static_cast<Eigen::Index>(std::min<uint64_t>(count, rank));
  Decomposition out;
  out.values = svd.singularValues().head(kept);
  out.axes = svd.matrixV().leftCols(kept).transpose();
  fix_signs(out.axes);
  return out;
}

LinearMap map_of(const Matrix& x, const Eigen::RowVectorXd& center, ThreadPool& pool) {
  const bool centred = center.size() > 0;
  LinearMap map;
  map.rows = x.rows;
  map.columns = x.columns;
  map.times = [&x, center, centred, &pool](const RowMajor& right) {
    RowMajor out = RowMajor::Zero(static_cast<Eigen::Index>(x.rows), right.cols());
    const Eigen::RowVectorXd shift =
        centred ? Eigen::RowVectorXd(center * right) : Eigen::RowVectorXd::Zero(right.cols());
    for_each_stretch(x.rows, pool, [&](uint64_t begin, uint64_t end) {
      for (uint64_t row = begin; row < end; ++row) {
        auto to = out.row(static_cast<Eigen::Index>(row));
        x.for_each_in_row(row,
                          [&](uint32_t column, double value) { to += value * right.row(column); });
        to -= shift;
      }
    });
    return out;
  };
  map.transposed_times = [&x, center, centred, &pool](const RowMajor& left) {
    RowMajor out = RowMajor::Zero(static_cast<Eigen::Index>(x.columns), left.cols());
    const Eigen::Index blocks = (left.cols() + kBlock - 1) / kBlock;
    pool.parallel_for(static_cast<size_t>(blocks), [&](size_t block) {
      const Eigen::Index from = static_cast<Eigen::Index>(block) * kBlock;
      const Eigen::Index width = std::min(kBlock, left.cols() - from);
      for (uint64_t row = 0; row < x.rows; ++row) {
        const auto weights = left.row(static_cast<Eigen::Index>(row)).segment(from, width);
        x.for_each_in_row(row, [&](uint32_t column, double value) {
          out.row(column).segment(from, width) += value * weights;
        });
      }
    });
    if (centred) {
      out.noalias() -= center.transpose() * left.colwise().sum();
    }
    return out;
  };
  return map;
}

Matrix project(const Matrix& x, const Eigen::RowVectorXd& center, const RowMajor& axes,
               ThreadPool& pool) {
  const RowMajor right = axes.transpose();
  const auto k = right.cols();
  Matrix out = Matrix::dense(x.rows, static_cast<uint64_t>(k));
  const Eigen::RowVectorXd shift =
      center.size() > 0 ? Eigen::RowVectorXd(center * right) : Eigen::RowVectorXd::Zero(k);
  for_each_stretch(x.rows, pool, [&](uint64_t begin, uint64_t end) {
    for (uint64_t row = begin; row < end; ++row) {
      Eigen::Map<Eigen::RowVectorXd> to(out.row(row), k);
      if (center.size() > 0 && !x.is_sparse) {  // subtract first: large means would cost digits
        for (uint64_t column = 0; column < x.columns; ++column) {
          const auto c = static_cast<Eigen::Index>(column);
          to += (x.at(row, column) - center[c]) * right.row(c);
        }
        continue;
      }
      x.for_each_in_row(row,
                        [&](uint32_t column, double value) { to += value * right.row(column); });
      to -= shift;
    }
  });
  return out;
}

void save_matrix(SavedWriter& out, const std::string& name, const RowMajor& matrix) {
  out.put(name, std::span<const double>(matrix.data(), static_cast<size_t>(matrix.size())));
}

RowMajor load_matrix(const SavedReader& in, const std::string& name, uint64_t columns) {
  const auto values = in.doubles(name);
  if (columns == 0 || values.size() % columns != 0) {
    in.fail("the matrix '" + name + "' has another number of columns");
  }
  return Eigen::Map<const RowMajor>(values.data(),
                                    static_cast<Eigen::Index>(values.size() / columns),
                                    static_cast<Eigen::Index>(columns));
}

}  // namespace athanor
