// The ladder's first rung: an answer that reads no feature. Classes: the shares of the training rows; labels: the share
// that has each; numbers: the (weighted) mean or median.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct ConstantOptions {
  std::string by = "prior";
  static void fields(Fields<ConstantOptions>& f) {
    f.add("by", &ConstantOptions::by, "classes: prior (shares of the classes) or majority; numbers: prior or mean, or median")
        .choices({"prior", "majority", "mean", "median"});
  }
};
std::unique_ptr<ClassicModel> make_constant(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
