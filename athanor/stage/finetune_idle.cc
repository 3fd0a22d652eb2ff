// Which options of finetune count for which family, kind of input and task: the others are refused.
#include <algorithm>
#include <span>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/base/text.h"
#include "athanor/stage/finetune.h"
#include "athanor/stage/idle_options.h"
#include "athanor/stage/train_idle.h"

namespace athanor {

namespace {

constexpr InputKind kText = InputKind::kText;
constexpr InputKind kTable = InputKind::kTable;
constexpr InputKind kSeries = InputKind::kSeries;
constexpr InputKind kImage = InputKind::kImage;

// Empty lists: any family, any kind.
struct Reader {
  const char* option;
  std::vector<std::string> families;
  std::vector<InputKind> kinds;
};

// What the nets read (model/nets/*.cc).
const std::vector<Reader>& model_readers() {
  static const std::vector<Reader> table = {
      {"model.layers", {"rnn", "lstm", "gru", "bert", "roberta"}, {}},
      {"model.width", {"rnn", "lstm", "gru", "textcnn", "bert", "roberta"}, {}},
      {"model.heads", {"bert", "roberta"}, {}},
      {"model.inner", {"bert", "roberta"}, {}},
      {"model.embedding", {"mlp", "rnn", "lstm", "gru", "textcnn"}, {kText, kTable}},
      {"model.bidirectional", {"rnn", "lstm", "gru"}, {}},
      {"model.pooling", {"rnn", "lstm", "gru", "tcn"}, {}},
      {"model.hidden", {"mlp", "cnn"}, {}},
      {"model.channels", {"cnn", "tcn", "resnet"}, {}},
      {"model.kernels", {"textcnn", "cnn", "tcn"}, {}},
      {"model.blocks", {"resnet"}, {}},
      {"model.activation", {"mlp", "cnn", "tcn"}, {}},
      {"model.norm", {"mlp", "cnn"}, {}},
      {"model.stem", {"resnet"}, {}},
      {"model.dropout", {}, {}},
  };
  return table;
}

// What feature/*_inputs.cc read. An encoder's tokenizer says itself whether case counts.
const std::vector<Reader>& data_readers() {
  static const std::vector<Reader> table = {
      {"inputs.max_length", {}, {kText, kSeries}},
      {"inputs.lowercase", {"rnn", "lstm", "gru", "textcnn"}, {kText}},
      {"inputs.columns", {}, {kTable, kSeries}},
      {"inputs.exclude", {}, {kTable, kSeries}},
      {"inputs.categorical", {}, {kTable}},
      {"inputs.max_categories", {}, {kTable}},
      {"inputs.image_size", {}, {kImage}},
      {"inputs.channels", {}, {kImage}},
      {"pair_field", {"bert", "roberta"}, {}},
      {"flip", {}, {kImage}},
      {"crop", {}, {kImage}},
      {"recompute", {"bert", "roberta"}, {}},
  };
  return table;
}

std::string plural_of(InputKind kind) { return kind == kSeries ? "series" : std::string(name_of(kind)) + "s"; }

std::string owners_of(const Reader& reader) {
  if (!reader.families.empty() && reader.kinds.empty()) {
    return join_text(reader.families, ", ");
  }
  std::vector<std::string> names;
  for (const InputKind kind : reader.kinds) {
    names.push_back(plural_of(kind));
  }
  const std::string kinds = join_text(names, ", ");
  return reader.families.empty() ? kinds : join_text(reader.families, ", ") + " over " + kinds;
}

void refuse_unread(const nlohmann::json& resolved, const std::vector<Reader>& readers, const std::string& family, InputKind kind) {
  const auto holds = [](const auto& list, const auto& value) {
    return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
  };
  std::vector<SometimesRead> table;
  for (const Reader& reader : readers) {
    table.push_back({reader.option, holds(reader.families, family) && holds(reader.kinds, kind), owners_of(reader)});
  }
  static const nlohmann::json usual = dump_options(FinetuneOptions{}, true);
  refuse_idle(resolved, usual, table, "finetune", family + " over " + plural_of(kind));
}

}  // namespace

void check_net_options(const nlohmann::json& resolved, const std::string& family, InputKind kind) {
  refuse_unread(resolved, model_readers(), family, kind);
  refuse_unread(resolved, data_readers(), family, kind);
}

void check_given_net_options(const nlohmann::json& resolved, const NetConfig& given) {
  refuse_unread(resolved, data_readers(), given.options.family, given.shape.kind);
  const bool reads_anew = given.new_head || net_family(given.options.family).encoder;
  const SometimesRead by_head[] = {
      {"inputs", reads_anew, "a fresh network, or an encoder"},
      {"task", given.new_head || resolved.at("task") == given.task, "a fresh network"},
  };
  static const nlohmann::json usual = dump_options(FinetuneOptions{}, true);
  refuse_idle(resolved, usual, by_head, "finetune", "a model that is given, which reads and answers as before");
}

void check_finetune_inputs(const nlohmann::json& resolved, const std::vector<std::string>& inputs) {
  const auto given = [&](std::string_view role) { return std::find(inputs.begin(), inputs.end(), role) != inputs.end(); };
  const nlohmann::json usual = dump_options(FinetuneOptions{}, true);
  const SometimesRead by_inputs[] = {
      {"model", !given("model"), "a fresh network"},
      {"reads", !given("model"), "a fresh network"},
      {"label_key", given("labels"), "labels in a table of their own (the role labels)"},
      {"label_pattern", given("labels"), "labels in a table of their own (the role labels)"},
      {"hold_out", !given("valid"), "a run without documents to validate on"},
  };
  const std::string instead[] = {"one that a model is given to", "one that a model is given to", "labels in the documents",
                                 "labels in the documents", "one with the role valid"};
  for (size_t i = 0; i < std::size(by_inputs); ++i) {
    refuse_idle(resolved, usual, std::span(by_inputs).subspan(i, 1), "finetune", instead[i]);
  }
  check_training_options(resolved, usual, "finetune");
}

}  // namespace athanor
