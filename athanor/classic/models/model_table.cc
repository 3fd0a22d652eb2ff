// The table of classical models. One line a model.
#include "athanor/classic/models/model.h"

namespace athanor {

const std::vector<ModelKind>& model_kinds() {
  static const std::vector<ModelKind> kinds = {};
  return kinds;
}

}  // namespace athanor
