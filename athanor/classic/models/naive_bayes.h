// Naive Bayes: features independent within a class. gaussian for numbers; multinomial and complement (Rennie et al. 2003)
// for counts and TF-IDF; bernoulli for what is there or not. As scikit-learn defines them.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct NaiveBayesOptions {
  std::string by = "gaussian";
  double alpha = 1;
  double binarize = 0;
  double smoothing = 1e-9;
  bool learn_prior = true;
  bool norm = false;
  static void fields(Fields<NaiveBayesOptions>& f) {
    f.add("by", &NaiveBayesOptions::by, "how a feature is distributed").choices({"gaussian", "multinomial", "bernoulli", "complement"});
    f.add("alpha", &NaiveBayesOptions::alpha, "added to every count (not gaussian)").range(1e-10, 1e6);
    f.add("binarize", &NaiveBayesOptions::binarize, "bernoulli: a value above this is there").range(-1e300, 1e300);
    f.add("smoothing", &NaiveBayesOptions::smoothing, "gaussian: share of the largest variance that is added to all")
        .range(1e-15, 1);
    f.add("learn_prior", &NaiveBayesOptions::learn_prior, "classes are as likely as in the training rows; else equally");
    f.add("norm", &NaiveBayesOptions::norm, "complement: scale each class's weights to one sum");
  }
};
std::unique_ptr<ClassicModel> make_naive_bayes(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
