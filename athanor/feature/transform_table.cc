// The table of transforms: numbers become other numbers. One line a transform.
#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/feature/kinds.h"

namespace athanor {

const std::vector<TransformKind>& transform_kinds() {
  static const std::vector<TransformKind> kinds = {
      impute_kind(), scale_kind(),  clip_kind(), log1p_kind(),        polynomial_kind(),
      bins_kind(),   select_kind(), pca_kind(),  truncated_svd_kind()};
  return kinds;
}

std::unique_ptr<Transform> make_transform(const std::string& kind, const nlohmann::json& options,
                                          const std::string& where) {
  std::vector<std::string> names;
  for (const auto& known : transform_kinds()) {
    if (known.name == kind) {
      return known.make(known.schema.parse(Node::from_json(options, Mark{where, 0, 0}), where));
    }
    names.push_back(known.name);
  }
  throw Error(ErrorKind::kUsage, "there is no transform '" + kind + "'", where,
              did_you_mean(kind, names));
}

}  // namespace athanor
