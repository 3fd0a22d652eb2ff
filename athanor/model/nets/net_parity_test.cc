// Against PyTorch: fixtures of tests/parity/make_net_fixtures.py.
#include <gtest/gtest.h>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cross_entropy_loss.h>

#include <nlohmann/json.hpp>

#include "athanor/model/nets/net.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/weights.h"

namespace athanor {
namespace {

const fs::path kFolder = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/model/nets";
constexpr double kTolerance = 1e-4;

NetConfig config_of(const nlohmann::json& json) {
  NetConfig config;
  config.options = with_family_defaults(load_options<NetOptions>(json.at("model")));
  config.labels = {"a", "b", "c"};
  const auto& shape = json.at("shape");
  for (const InputKind kind : {InputKind::kText, InputKind::kTable, InputKind::kSeries, InputKind::kImage}) {
    config.shape.kind = shape.at("kind") == name_of(kind) ? kind : config.shape.kind;
  }
  config.shape.vocab_size = shape.value("vocab_size", 0);
  config.shape.num_values = shape.value("num_values", 0);
  config.shape.categories = shape.value("categories", std::vector<int64_t>{});
  config.shape.channels = shape.value("channels", 0);
  config.shape.size = shape.value("size", 0);
  return config;
}

class Fixture {
 public:
  explicit Fixture(const std::string& name)
      : path_(kFolder / (name + ".safetensors")), file_(SafetensorsFile::open(path_)) {}
  at::Tensor get(const std::string& name) const {
    const TensorView* view = file_.find(name);
    return view == nullptr ? at::Tensor() : as_tensor(*view, path_.string()).clone();
  }
  NetBatch batch() const {
    NetBatch batch;
    batch.tokens_BT = get("batch.tokens");
    batch.lengths_B = get("batch.lengths");
    batch.pixels_BCHW = get("batch.pixels");
    const at::Tensor values = get("batch.values");
    (values.defined() && values.dim() == 3 ? batch.values_BTF : batch.values_BF) = values;
    batch.categories_BK = get("batch.categories");
    return batch;
  }

 private:
  fs::path path_;
  SafetensorsFile file_;
};

double difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sub(b).abs().max().item<double>();
}

TEST(NetParity, LogitsLossGradientsAndRunningStatisticsAreThoseOfPyTorch) {
  const auto cases = nlohmann::json::parse(read_file(kFolder / "cases.json", 1 << 20));
  double worst_logits = 0;
  double worst_gradient = 0;
  for (const auto& [name, json] : cases.items()) {
    SCOPED_TRACE(name);
    const Fixture fixture(name);
    const auto net = make_net(config_of(json), 1);
    {
      NoGrad no_grad;
      for (const NamedParameter& parameter : net->named_parameters()) {
        at::Tensor into = parameter.tensor;
        const at::Tensor given = fixture.get("param." + parameter.name);
        ASSERT_TRUE(given.defined()) << parameter.name;
        into.copy_(given);
      }
    }
    const at::Tensor logits = net->forward(fixture.batch(), 0);
    worst_logits = std::max(worst_logits, difference(logits, fixture.get("logits")));
    EXPECT_LE(difference(logits, fixture.get("logits")), kTolerance);
    net->set_training(true);
    const at::Tensor loss = at::cross_entropy_loss(net->forward(fixture.batch(), 0), fixture.get("labels"));
    EXPECT_NEAR(loss.item<double>(), fixture.get("loss").item<double>(), 1e-5);
    backward(loss);
    for (const NamedParameter& parameter : net->named_parameters()) {
      const double found = difference(parameter.tensor.grad(), fixture.get("grad." + parameter.name));
      EXPECT_LE(found, kTolerance) << parameter.name;
      worst_gradient = std::max(worst_gradient, found);
    }
    for (const auto& [buffer, tensor] : net->named_buffers()) {
      EXPECT_LE(difference(tensor, fixture.get("after." + buffer)), kTolerance) << buffer;
    }
  }
  std::printf("logits within %.1e, gradients within %.1e over %zu networks\n", worst_logits, worst_gradient, cases.size());
}

}  // namespace
}  // namespace athanor
