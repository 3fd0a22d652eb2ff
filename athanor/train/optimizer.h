// The optimiser over all parameters of a model, in two passes of memory: one that sums the squares of the gradients, one
// that clips, decays, updates the moments and the weights together.
//
//   Optimizer optimizer(model.named_parameters(), options.optimizer);
//   backward(loss);
//   const double norm = optimizer.grad_norm();
//   optimizer.step(lr, clip_scale(norm, 1.0));
//   optimizer.zero_grad();
//
// Updates element by element stand in optimizer_rules.h. muon takes the hidden matrices (two dimensions, decayed, not a
// token table or head) by muon.h and the rest by adamw. Parameters and gradients are fp32, moments fp32 or bf16. Sums of
// squares are reduced in a fixed order over fixed chunks, so that no result depends on the number of threads (but for
// muon's matrix products).
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "athanor/model/nn/module.h"
#include "athanor/train/optimizer_rules.h"
#include "athanor/train/options.h"

namespace athanor {

// What gradients are multiplied by so that their norm is at most max_norm; 1 when max_norm is 0 or the norm is
// below it. PyTorch's clip_grad_norm_: max_norm / (norm + 1e-6).
double clip_scale(double norm, double max_norm);

// Whether muon takes this parameter as a matrix.
bool is_muon_matrix(const NamedParameter& parameter);

// Where a parameter (or the part of one that a rank updates) begins among all parameters of the model: what is drawn by
// chance is a function of it, so that it does not depend on how many ranks share the work.
struct ParameterPlace {
  int64_t element = 0;
  int64_t chunk = 0;  // of Optimizer::kChunk elements, each parameter's counted from its own begin
};

// Bytes of state a parameter of so many elements costs.
int64_t optimizer_bytes(const OptimizerOptions& options, int64_t elements, int64_t muon_elements);

class Optimizer {
 public:
  // The parameters must be contiguous fp32, all on one device, and outlive the optimiser. Weight decay and penalties touch those
  // whose `decay` is set. bf16_products: muon's. places: the parameters', by default behind one another.
  Optimizer(std::vector<NamedParameter> parameters, const OptimizerOptions& options, bool bf16_products = false,
            std::vector<ParameterPlace> places = {});

  // The 2-norm of all gradients together. A parameter without a gradient, or frozen (lr: 0), counts as zero.
  double grad_norm() const;
  // What it is the root of the sum of: the squares of each kChunk elements of a parameter, parameter by parameter (on a GPU:
  // of each parameter).
  static constexpr int64_t kChunk = 16384;  // 64 KiB of each array: four of them stay in a core's second-level cache
  std::vector<double> chunk_squares() const;
  static int64_t num_chunks(int64_t elements) { return (elements + kChunk - 1) / kChunk; }

  // One update with gradients multiplied by grad_scale. A parameter without a gradient is left alone.
  void step(double lr, double grad_scale);

  // Adds normal noise to the gradients: a function of (seed, place of the element) alone.
  void add_noise(double standard_deviation, uint64_t seed);

  // Frees the gradients: the next backward then moves its own in, without a pass to clear or add.
  void zero_grad();

  int64_t num_updates() const { return num_updates_; }

  // The rule's arrays as views on the optimiser's own memory, named "exp_avg.<parameter>" and so on.
  std::vector<std::pair<std::string, at::Tensor>> state() const;
  // For a resume, after the arrays were filled through state().
  void set_num_updates(int64_t count) { num_updates_ = count; }

 private:
  // A fixed piece of one parameter: the unit of parallel work and of the reduction's order.
  struct Chunk {
    size_t parameter;
    int64_t begin;
    int64_t count;
    int64_t number;  // over all parameters of the model
  };
  struct Setting {
    double lr = 1;  // factor
    double weight_decay = 0;
    bool penalised = false;     // l1, l2
    bool muon = false;
    ParameterPlace place;
    std::vector<int64_t> slots; // where its arrays begin
  };

  std::vector<const float*> gradients() const;
  UpdateCoefficients coefficients_of(const Setting& setting, double lr, double grad_scale) const;
  void step_elements(double lr, double grad_scale, const std::vector<const float*>& grads);
  void step_matrix(size_t parameter, double lr, double grad_scale);
  at::Tensor slot_view(size_t parameter, size_t slot) const;
  // The same on a GPU (optimizer_device.cc).
  bool on_gpu() const;
  std::vector<double> gpu_squares() const;  // one sum a parameter
  void step_on_gpu(double lr, double grad_scale, const std::vector<const float*>& grads);
  void update_on_gpu(const std::vector<size_t>& members, const UpdateCoefficients& c, const std::vector<const float*>& grads);
  void add_noise_on_gpu(double standard_deviation, uint64_t seed);
  // to (bf16) = from, rounded by chance, wherever the two lie.
  static void round_state(const at::Tensor& from, const at::Tensor& to, uint64_t index, uint64_t rounding);

  std::vector<NamedParameter> parameters_;
  OptimizerOptions options_;
  OptimizerRule rule_;
  bool bf16_products_;
  std::vector<Setting> settings_;  // by parameter
  std::vector<Chunk> chunks_;
  std::vector<at::Tensor> slots_;  // each rule's array, all parameters behind one another
  int64_t num_updates_ = 0;
};

}  // namespace athanor
