#include "athanor/train/graph_pieces.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <exception>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"

namespace athanor {

namespace {

constexpr int64_t kWarmSteps = 2;

}  // namespace

void require_graphs(Objective& objective, int world) {
  CapturedPieces* const pieces = objective.captured_pieces();
  if (pieces == nullptr) {
    throw Error(ErrorKind::kUsage, "this model's pieces cannot be captured: those of causal language models can", "graphs", "leave graphs out");
  }
  if (world > 1) {
    throw Error(ErrorKind::kUsage, "pieces of several processes cannot be captured, and there are " + std::to_string(world), "graphs",
                "one process, or leave graphs out");
  }
  pieces->require_capturable();
}

GraphPieces::GraphPieces(Objective& objective, Precision precision, int64_t rows)
    : objective_(objective),
      pieces_(*objective.captured_pieces()),
      precision_(precision),
      rows_(rows),
      parameters_(objective.module().named_parameters()) {
  const at::TensorOptions there = at::TensorOptions(at::kFloat).device(parameters_.at(0).tensor.device());
  scale_ = at::empty({}, there);
  loss_scale_ = at::empty({}, there);
}

void GraphPieces::begin_step(bool watched) {
  watched_ = watched;
  is_first_ = true;
  ours_ = false;
}

std::optional<double> GraphPieces::run(const PieceOfBatch& piece) {
  const bool first = std::exchange(is_first_, false);
  if (given_up_ || watched_ || piece.count != rows_) {
    return std::nullopt;
  }
  if (warm_steps_ < kWarmSteps) {
    warm_steps_ += first ? 1 : 0;
    return std::nullopt;
  }
  if (!first && !ours_) {
    return std::nullopt;  // the step began as ever, with gradients that it will free
  }
  if (!record_) {
    return note(piece);
  }
  load(piece);
  record_->refresh();
  Captured& captured = first ? first_ : later_;
  if (!captured.graph && !capture(captured)) {
    return std::nullopt;
  }
  captured.graph->replay();
  if (first) {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      parameters_[i].tensor.mutable_grad() = gradients_[i];
    }
    ours_ = true;
  }
  return captured.loss.item<double>();
}

void GraphPieces::load(const PieceOfBatch& piece) {
  const NoGrad no_grad;
  const std::vector<at::Tensor> given = pieces_.piece(piece.begin, piece.count);
  for (size_t i = 0; i < given.size(); ++i) {
    if (i == inputs_.size()) {
      inputs_.push_back(at::empty_like(given[i], at::MemoryFormat::Contiguous));
    }
    inputs_[i].copy_(given[i]);
  }
  scale_.fill_(piece.scale);
  loss_scale_.fill_(piece.loss_scale);
}

// Both passes of what the inputs hold. The factors are tensors, so that a replay reads today's; the bits are those of numbers.
at::Tensor GraphPieces::passes() {
  const at::Tensor mean = pieces_.loss_of(inputs_).mul(scale_);
  backward(precision_ == Precision::kFp16 ? mean.mul(loss_scale_) : mean);
  return mean.detach();
}

double GraphPieces::note(const PieceOfBatch& piece) {
  load(piece);
  record_ = std::make_unique<TransferRecord>(inputs_);
  at::Tensor loss;
  record_->note([&] { loss = passes(); });
  return loss.item<double>();
}

bool GraphPieces::capture(Captured& captured) {
  const bool first = &captured == &first_;
  try {
    captured.graph = std::make_unique<GpuGraph>(scale_.device(), first ? nullptr : first_.graph.get(),
                                                [&] { record_->give([&] { captured.loss = passes(); }); });
  } catch (const std::exception& error) {
    give_up(error.what());
    if (first) {
      for (const NamedParameter& parameter : parameters_) {
        parameter.tensor.mutable_grad().reset();
      }
    }
    return false;
  }
  if (first) {
    for (const NamedParameter& parameter : parameters_) {
      gradients_.push_back(parameter.tensor.grad());
    }
  }
  return true;
}

// What was noted as done and was not, such as weights in bf16, is done again.
void GraphPieces::give_up(const std::string& why) {
  given_up_ = true;
  warning_ = "graphs: the GPU could capture no piece (" + why.substr(0, why.find('\n')) + "); the run goes on without";
  objective_.begin_step();
  later_ = {};
  first_ = {};
  gradients_.clear();  // this step's are held by the parameters
  record_.reset();
}

std::string GraphPieces::take_warning() { return std::exchange(warning_, std::string()); }

}  // namespace athanor
