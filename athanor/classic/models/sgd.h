// Stochastic gradient descent over rows, one against the rest. The perceptron (Rosenblatt 1958) is its loss without margin
// and without punishment, at rate 1. Rows come in an order of the seed's each epoch, or as they stand.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct PerceptronOptions {
  int64_t epochs = 1000;
  double tolerance = 1e-3;
  bool shuffle = true;
  bool intercept = true;
  static void fields(Fields<PerceptronOptions>& f) {
    f.add("epochs", &PerceptronOptions::epochs, "at most so many passes").range(1, 1e6);
    f.add("tolerance", &PerceptronOptions::tolerance, "stop after 5 epochs that lowered the loss a row by less; 0: never")
        .range(0, 1e6);
    f.add("shuffle", &PerceptronOptions::shuffle, "a new order of the rows each epoch");
    f.add("intercept", &PerceptronOptions::intercept, "learn a constant too");
  }
};
struct SgdOptions : PerceptronOptions {
  std::string loss = "hinge";
  double alpha = 1e-4;
  static void fields(Fields<SgdOptions>& f) {
    f.add("loss", &SgdOptions::loss, "what a wrong answer costs").choices({"hinge", "log", "squared_hinge", "modified_huber"});
    f.add("alpha", &SgdOptions::alpha, "weight of the squared coefficients; the rate is 1 / (alpha (t0 + t))").range(1e-12, 1e3);
    f.add("epochs", &SgdOptions::epochs, "at most so many passes").range(1, 1e6);
    f.add("tolerance", &SgdOptions::tolerance, "stop after 5 epochs that lowered the loss a row by less; 0: never")
        .range(0, 1e6);
    f.add("shuffle", &SgdOptions::shuffle, "a new order of the rows each epoch");
    f.add("intercept", &SgdOptions::intercept, "learn a constant too");
  }
};
std::unique_ptr<ClassicModel> make_perceptron(const nlohmann::json& options, Task task);
std::unique_ptr<ClassicModel> make_sgd(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
