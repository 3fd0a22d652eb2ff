// A tree of named parameters: our own small stand-in for torch::nn::Module, in the light form.
//
//   class Head : public Module {
//    public: explicit Head(int64_t v, int64_t c) { weight_ = register_parameter("weight", at::zeros({v, c}), true); }
//   };
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace athanor {

struct NamedParameter {
  std::string name;   // exactly HF's, dots included
  at::Tensor tensor;  // the fp32 master, a leaf that requires a gradient
  bool decay;         // weight decay applies: matrices of matrix products, a tied token table among them. Not norms,
                      // biases, nor tables that are only looked up
};

// What modules noted of their outputs; see Module::set_activation_log.
struct ActivationLog {
  struct Seen {
    double rms = 0;
    double largest = 0;  // by absolute value
    double zero = 0;     // share that is exactly 0
    double dead = 0;     // share of the units (the second dimension) that are 0 in every row
  };
  std::vector<std::pair<std::string, Seen>> values;  // in order of the forward pass
};

class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  // In order of registration, depth first; a tied tensor once, under its first name.
  std::vector<NamedParameter> named_parameters() const;

  // What belongs to the model but is not trained (batch normalisation's running statistics), by PyTorch's names.
  std::vector<std::pair<std::string, at::Tensor>> named_buffers() const;

  // Training turns dropout on. New modules are in evaluation mode.
  void set_training(bool training);
  bool training() const { return training_; }

  // From now on the module's layers note their outputs in log (null: no longer). For a look now and then: it reads every
  // activation once more.
  void set_activation_log(ActivationLog* log);

 protected:
  // Notes x under this name where a log was asked for.
  void note_activation(const std::string& name, const at::Tensor& x) const;
  // Makes tensor a leaf that requires a gradient; returns it.
  at::Tensor register_parameter(const std::string& name, const at::Tensor& tensor, bool decay);
  at::Tensor register_buffer(const std::string& name, const at::Tensor& tensor);  // returns it
  // The child is owned by the caller's members and lives as long as this. Its names get "name." before them; an
  // empty name adds nothing.
  void register_child(const std::string& name, Module& child);

 private:
  void collect(const std::string& prefix, std::vector<NamedParameter>& out) const;
  void collect_buffers(const std::string& prefix, std::vector<std::pair<std::string, at::Tensor>>& out) const;

  std::vector<NamedParameter> parameters_;
  std::vector<std::pair<std::string, at::Tensor>> buffers_;
  std::vector<std::pair<std::string, Module*>> children_;
  ActivationLog* activation_log_ = nullptr;
  bool training_ = false;
};

}  // namespace athanor
