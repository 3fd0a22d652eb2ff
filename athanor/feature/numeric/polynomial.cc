// Products of columns: scikit-learn's PolynomialFeatures without the column of ones, in its order.
#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/numeric/columns.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxProducts = 1'000'000;

struct PolynomialOptions {
  int64_t degree = 2;
  bool interactions_only = false;
  static void fields(Fields<PolynomialOptions>& f) {
    f.add("degree", &PolynomialOptions::degree, "factors of a product at most").range(2, 8);
    f.add("interactions_only", &PolynomialOptions::interactions_only,
          "no column twice in a product");
  }
};

class Polynomial : public Transform {
 public:
  explicit Polynomial(PolynomialOptions options) : options_(options) {}

  Matrix fit(Matrix x, const Target*, FitContext& context) override {
    expect_dense(x, "polynomial", "select features or reduce them by truncated_svd first");
    columns_ = x.columns;
    make_products();
    return apply(std::move(x), context.pool);
  }

  Matrix apply(Matrix x, ThreadPool& pool) const override {
    expect_dense(x, "polynomial", "");
    expect_columns(x, columns_, "polynomial");
    Matrix out = Matrix::dense(x.rows, products_.size());
    for_each_stretch(x.rows, pool, [&](uint64_t begin, uint64_t end) {
      for (uint64_t row = begin; row < end; ++row) {
        const double* values = x.row(row);
        double* made = out.row(row);
        for (size_t i = 0; i < products_.size(); ++i) {
          const Product& product = products_[i];
          made[i] = (product.rest < 0 ? 1 : made[product.rest]) * values[product.last];
        }
      }
    });
    for (const Product& product : products_) {
      out.names.push_back(
          (product.rest < 0 ? "" : out.names[static_cast<size_t>(product.rest)] + " * ") +
          x.name_of(product.last));
    }
    return out;
  }

  void save(SavedWriter& out) const override { out.json()["columns"] = columns_; }
  void load(const SavedReader& in) override {
    columns_ = in.get<uint64_t>("columns");
    if (columns_ > kMaxProducts) {
      in.fail("'columns' is out of range");
    }
    make_products();
  }

 private:
  struct Product {
    int64_t rest;  // another product, -1: 1
    uint64_t last;
  };

  void make_products() {
    products_.clear();
    size_t begin = 0;
    for (uint64_t column = 0; column < columns_; ++column) {
      products_.push_back({-1, column});
    }
    for (int64_t degree = 2; degree <= options_.degree; ++degree) {
      const size_t end = products_.size();
      for (size_t rest = begin; rest < end; ++rest) {
        const uint64_t from = products_[rest].last + (options_.interactions_only ? 1 : 0);
        for (uint64_t column = from; column < columns_; ++column) {
          products_.push_back({static_cast<int64_t>(rest), column});
          if (products_.size() > kMaxProducts) {
            throw Error(ErrorKind::kResource,
                        "products of " + std::to_string(columns_) + " columns up to degree " +
                            std::to_string(options_.degree) + " are more than " +
                            grouped_integer(kMaxProducts),
                        "polynomial", "a lower degree, or select features first");
          }
        }
      }
      begin = end;
    }
  }

  PolynomialOptions options_;
  uint64_t columns_ = 0;
  std::vector<Product> products_;
};

}  // namespace

TransformKind polynomial_kind() {
  return make_transform_kind<Polynomial, PolynomialOptions>(
      "polynomial", "products of columns beside the columns");
}

}  // namespace athanor
