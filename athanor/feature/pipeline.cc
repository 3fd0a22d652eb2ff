#include "athanor/feature/pipeline.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/feature/column_choice.h"
#include "athanor/feature/pipeline_steps.h"

namespace athanor {

namespace {

using Columns = std::vector<const TableColumn*>;

// Columns of one kind, through one encoder and transforms.
struct Group {
  std::vector<std::string> columns;
  Fitted<Encoder> encoder;
  std::vector<Fitted<Transform>> then;
  uint64_t outputs = 0;

  Matrix fit(const Columns& from, const Target* target, FitContext& context) {
    Matrix x = encoder.step->fit(from, target, context);
    for (auto& transform : then) {
      x = transform.step->fit(std::move(x), target, context);
    }
    outputs = x.columns;
    return x;
  }
  Matrix apply(const Columns& from, ThreadPool& pool) const {
    Matrix x = encoder.step->apply(from, pool);
    for (const auto& transform : then) {
      x = transform.step->apply(std::move(x), pool);
    }
    return x;
  }
};

// Encoders that read one column: each column of a group then gets one of its own.
bool one_column_each(const EncoderKind& kind) {
  return std::any_of(kind.takes.begin(), kind.takes.end(), [](ColumnKind takes) {
    return takes == ColumnKind::kText || takes == ColumnKind::kImage;
  });
}

void check_kind(const EncoderKind& encoder, const TableColumn& column, const std::string& where) {
  if (std::find(encoder.takes.begin(), encoder.takes.end(), column.kind) == encoder.takes.end()) {
    const std::string wanted = name_of(encoder.takes.front());
    throw Error(ErrorKind::kUsage,
                "the encoder '" + std::string(encoder.name) + "' reads columns of kind " + wanted +
                    ", but '" + column.name + "' is of kind " + name_of(column.kind),
                where, "take another encoder, or say types: {" + column.name + ": " + wanted + "}");
  }
}

}  // namespace

nlohmann::json usual_features(ColumnKind kind, bool for_trees) {
  const auto json = [](const char* text) { return nlohmann::json::parse(text); };
  const nlohmann::json scaled =
      json(R"([{"impute": {"by": "median"}}, {"scale": {"by": "zscore"}}])");
  const nlohmann::json none = nlohmann::json::array();
  switch (kind) {
    case ColumnKind::kNumber:
      return {{"encode", "numbers"}, {"then", for_trees ? none : scaled}};
    case ColumnKind::kCategory:
      return {{"encode",
               for_trees ? json(R"("ordinal")") : json(R"({"onehot": {"max_levels": 1000}})")},
              {"then", none}};
    case ColumnKind::kText:
      return {
          {"encode", for_trees ? json(R"({"tfidf": {"max_features": 1000}})") : json(R"("tfidf")")},
          {"then", none}};
    case ColumnKind::kDate:
      return {{"encode", for_trees ? json(R"({"dates": {"cyclic": false}})") : json(R"("dates")")},
              {"then", for_trees ? none : scaled}};
    case ColumnKind::kImage:
      return {{"encode", "hog"}, {"then", for_trees ? none : scaled}};
    case ColumnKind::kSparse:
      return {{"encode", "sparse"}, {"then", none}};
  }
  return {};
}

struct FeaturePipeline::Impl {
  PipelineSpec spec;
  std::string where;
  std::vector<StepSpec> reduce_specs;

  std::vector<Group> groups;
  std::vector<Fitted<Transform>> reduce;
  std::vector<std::pair<std::string, ColumnKind>> inputs;
  uint64_t outputs = 0;

  std::string place(size_t group, const char* field) const {
    return where + (where.empty() ? "" : ".") + "features[" + std::to_string(group) + "]." + field;
  }

  void check() {
    if (!spec.features.is_array()) {
      throw Error(ErrorKind::kUsage, "features is a list of groups", where,
                  "features: [{columns: numbers, then: [...]}]");
    }
    for (size_t i = 0; i < spec.features.size(); ++i) {
      const auto& group = spec.features[i];
      if (!group.is_object() || !group.contains("columns")) {
        throw Error(ErrorKind::kUsage, "a group of features needs 'columns'", place(i, "columns"));
      }
      for (const auto& [key, value] : group.items()) {
        if (key != "columns" && key != "encode" && key != "then") {
          throw Error(ErrorKind::kUsage, "a group of features has no field '" + key + "'",
                      place(i, key.c_str()), did_you_mean(key, {"columns", "encode", "then"}));
        }
      }
      if (group.contains("encode")) {
        parse_step(group["encode"], encoder_kinds(), "encoder", place(i, "encode"));
      }
      if (group.contains("then")) {
        parse_transforms(group["then"], place(i, "then"));
      }
    }
    reduce_specs = parse_transforms(spec.reduce, where + (where.empty() ? "" : ".") + "reduce");
  }

  // Groups of the recipe, each cut into parts of one kind and, for texts and images, of one column.
  std::vector<std::pair<Group, Columns>> plan(const Table& table, FitContext& context) const {
    std::vector<std::pair<Group, Columns>> planned;
    const nlohmann::json all = nlohmann::json::array({{{"columns", "rest"}}});
    const nlohmann::json& features = spec.features.empty() ? all : spec.features;
    const std::set<std::string> taken = named_columns(table, features);
    std::set<std::string> left_out;
    for (size_t i = 0; i < features.size(); ++i) {
      const auto chosen = choose_columns(table, features[i]["columns"], taken, spec.for_trees,
                                         place(i, "columns"), left_out, context);
      for (const ColumnKind kind : {ColumnKind::kNumber, ColumnKind::kCategory, ColumnKind::kDate,
                                    ColumnKind::kText, ColumnKind::kImage, ColumnKind::kSparse}) {
        Columns of_kind;
        std::copy_if(chosen.begin(), chosen.end(), std::back_inserter(of_kind),
                     [&](const auto* column) { return column->kind == kind; });
        if (!of_kind.empty()) {
          plan_kind(features[i], i, of_kind, planned);
        }
      }
    }
    return planned;
  }

  void plan_kind(const nlohmann::json& group, size_t number, const Columns& columns,
                 std::vector<std::pair<Group, Columns>>& planned) const {
    const nlohmann::json usual = usual_features(columns[0]->kind, spec.for_trees);
    const nlohmann::json& encode = group.contains("encode") ? group["encode"] : usual["encode"];
    const nlohmann::json then = group.contains("then")     ? group["then"]
                                : group.contains("encode") ? nlohmann::json::array()
                                                           : usual["then"];
    const StepSpec encoder =
        parse_step(encode, encoder_kinds(), "encoder", place(number, "encode"));
    const EncoderKind& kind = find_step(encoder_kinds(), encoder.kind, "encoder", "");
    for (const TableColumn* column : columns) {
      check_kind(kind, *column, place(number, "encode"));
    }
    const size_t step = one_column_each(kind) ? 1 : columns.size();
    for (size_t begin = 0; begin < columns.size(); begin += step) {
      Group made;
      made.encoder = Fitted<Encoder>::make(encoder);
      for (const StepSpec& transform : parse_transforms(then, place(number, "then"))) {
        made.then.push_back(Fitted<Transform>::make(transform));
      }
      const Columns some(columns.begin() + static_cast<ptrdiff_t>(begin),
                         columns.begin() + static_cast<ptrdiff_t>(begin + step));
      for (const TableColumn* column : some) {
        made.columns.push_back(column->name);
      }
      planned.emplace_back(std::move(made), some);
    }
  }

  // The encoder reads these columns: known ones, of its kinds, and one where it reads one.
  void check_loaded(const Group& group, const SavedReader& part) const {
    const EncoderKind& kind = find_step(encoder_kinds(), group.encoder.spec.kind, "encoder", "");
    const auto reads = [&](const std::string& name) {
      return std::any_of(inputs.begin(), inputs.end(), [&](const auto& input) {
        return input.first == name && std::count(kind.takes.begin(), kind.takes.end(), input.second) > 0;
      });
    };
    const bool sound = one_column_each(kind) ? group.columns.size() == 1 : !group.columns.empty();
    if (!sound || !std::all_of(group.columns.begin(), group.columns.end(), reads)) {
      part.fail("the encoder '" + group.encoder.spec.kind + "' does not read these columns");
    }
  }

  Columns find_columns(const Group& group, const Table& table) const {
    Columns found;
    for (const std::string& name : group.columns) {
      const TableColumn* column = table.find(name);
      const auto input = std::find_if(inputs.begin(), inputs.end(),
                                      [&](const auto& one) { return one.first == name; });
      if (column == nullptr) {
        throw Error(ErrorKind::kInput,
                    "the table has no column '" + name + "', which the features were fitted on", "",
                    "it needs " + std::to_string(inputs.size()) + " columns; `show` lists them");
      }
      if (input != inputs.end() && column->kind != input->second) {
        throw Error(ErrorKind::kInput,
                    "the column '" + name + "' is of kind " + name_of(column->kind) +
                        ", but the features were fitted on kind " + name_of(input->second),
                    "", "read the table by the estimator's own schema, or set types");
      }
      found.push_back(column);
    }
    return found;
  }
};

FeaturePipeline::FeaturePipeline(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FeaturePipeline::FeaturePipeline(FeaturePipeline&&) noexcept = default;
FeaturePipeline::~FeaturePipeline() = default;

FeaturePipeline::FeaturePipeline(const PipelineSpec& spec, const std::string& where)
    : impl_(std::make_unique<Impl>()) {
  impl_->spec = spec;
  impl_->where = where;
  impl_->check();
}

Matrix FeaturePipeline::fit(const Table& table, const Target* target, FitContext& context) {
  Impl& my = *impl_;
  my.groups.clear();
  my.reduce.clear();
  my.inputs.clear();
  auto planned = my.plan(table, context);
  if (planned.empty()) {
    throw Error(ErrorKind::kInput, "no column of the table is left to learn from", my.where,
                "look at the columns that were left out, and at features.columns");
  }
  std::vector<Matrix> parts;
  for (auto& [group, columns] : planned) {
    parts.push_back(group.fit(columns, target, context));
    for (const TableColumn* column : columns) {
      if (std::none_of(my.inputs.begin(), my.inputs.end(),
                       [&](const auto& one) { return one.first == column->name; })) {
        my.inputs.emplace_back(column->name, column->kind);
      }
    }
    my.groups.push_back(std::move(group));
    context.progress(static_cast<double>(parts.size()) /
                     static_cast<double>(planned.size() + my.reduce_specs.size()));
  }
  Matrix x = side_by_side(std::move(parts));
  for (const StepSpec& spec : my.reduce_specs) {
    my.reduce.push_back(Fitted<Transform>::make(spec));
    x = my.reduce.back().step->fit(std::move(x), target, context);
  }
  my.outputs = x.columns;
  if (x.columns == 0) {
    throw Error(ErrorKind::kInput, "no feature is left", my.where, "select more of them");
  }
  return x;
}

Matrix FeaturePipeline::apply(const Table& table, ThreadPool& pool) const {
  std::vector<Matrix> parts;
  apply_groups(table, pool, parts);
  return join(std::move(parts), pool);
}

void FeaturePipeline::apply_groups(const Table& table, ThreadPool& pool, std::vector<Matrix>& parts,
                                   const std::string& only) const {
  parts.resize(impl_->groups.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    const Group& group = impl_->groups[i];
    const auto& names = group.columns;
    if (only.empty() || std::find(names.begin(), names.end(), only) != names.end()) {
      parts[i] = group.apply(impl_->find_columns(group, table), pool);
    }
  }
}

Matrix FeaturePipeline::join(std::vector<Matrix> parts, ThreadPool& pool) const {
  Matrix x = side_by_side(std::move(parts));
  for (const auto& transform : impl_->reduce) {
    x = transform.step->apply(std::move(x), pool);
  }
  return x;
}

std::map<std::string, uint64_t> FeaturePipeline::count_unseen(const Table& table) const {
  std::map<std::string, uint64_t> counts;
  for (const Group& group : impl_->groups) {
    std::map<std::string, uint64_t> of_group;
    group.encoder.step->count_unseen(impl_->find_columns(group, table), of_group);
    for (const auto& [name, count] : of_group) {
      counts[name] = std::max(counts[name], count);  // a column may stand in several groups
    }
  }
  return counts;
}

const std::vector<std::pair<std::string, ColumnKind>>& FeaturePipeline::inputs() const {
  return impl_->inputs;
}
uint64_t FeaturePipeline::num_outputs() const {
  return impl_->outputs;
}

nlohmann::json FeaturePipeline::description() const {
  nlohmann::json groups = nlohmann::json::array(), reduce = nlohmann::json::array();
  for (const Group& group : impl_->groups) {
    nlohmann::json then = nlohmann::json::array();
    for (const auto& transform : group.then) {
      then.push_back(transform.spec.to_json());
    }
    groups.push_back({{"columns", group.columns},
                      {"encode", group.encoder.spec.to_json()},
                      {"then", then},
                      {"features", group.outputs}});
  }
  for (const auto& transform : impl_->reduce) {
    reduce.push_back(transform.spec.to_json());
  }
  return {{"groups", groups}, {"reduce", reduce}, {"features", impl_->outputs}};
}

void FeaturePipeline::save(SavedWriter out) const {
  nlohmann::json names = nlohmann::json::array(), kinds = nlohmann::json::array();
  for (const auto& [name, kind] : impl_->inputs) {
    names.push_back(name);
    kinds.push_back(word_of_kind(kind));
  }
  out.json()["inputs"] = names;
  out.json()["kinds"] = kinds;
  out.json()["outputs"] = impl_->outputs;
  out.json()["groups"] = impl_->groups.size();
  out.json()["steps"] = impl_->reduce.size();
  for (size_t i = 0; i < impl_->groups.size(); ++i) {
    const Group& group = impl_->groups[i];
    SavedWriter part = out.part("group." + std::to_string(i));
    part.json()["columns"] = group.columns;
    part.json()["outputs"] = group.outputs;
    part.json()["steps"] = group.then.size();
    group.encoder.save(part.part("encode"));
    for (size_t k = 0; k < group.then.size(); ++k) {
      group.then[k].save(part.part("then." + std::to_string(k)));
    }
  }
  for (size_t i = 0; i < impl_->reduce.size(); ++i) {
    impl_->reduce[i].save(out.part("reduce." + std::to_string(i)));
  }
}

FeaturePipeline FeaturePipeline::load(const SavedReader& in) {
  auto impl = std::make_unique<Impl>();
  const auto names = in.get<std::vector<std::string>>("inputs");
  const auto kinds = in.get<std::vector<std::string>>("kinds");
  for (size_t i = 0; i < names.size(); ++i) {
    ColumnKind kind = ColumnKind::kNumber;
    if (i >= kinds.size() || !kind_of_word(kinds[i], kind)) {
      in.fail("the input '" + names[i] + "' is of no known kind");
    }
    impl->inputs.emplace_back(names[i], kind);
  }
  impl->outputs = in.get<uint64_t>("outputs");
  const auto groups = in.get<uint64_t>("groups");
  for (uint64_t i = 0; i < groups; ++i) {
    const SavedReader part = in.part("group." + std::to_string(i));
    Group group;
    group.columns = part.get<std::vector<std::string>>("columns");
    group.outputs = part.get<uint64_t>("outputs");
    group.encoder = Fitted<Encoder>::load(part.part("encode"));
    impl->check_loaded(group, part);
    const auto steps = part.get<uint64_t>("steps");
    for (uint64_t k = 0; k < steps; ++k) {
      group.then.push_back(Fitted<Transform>::load(part.part("then." + std::to_string(k))));
    }
    impl->groups.push_back(std::move(group));
  }
  const auto steps = in.get<uint64_t>("steps");
  for (uint64_t i = 0; i < steps; ++i) {
    impl->reduce.push_back(Fitted<Transform>::load(in.part("reduce." + std::to_string(i))));
  }
  return FeaturePipeline(std::move(impl));
}

}  // namespace athanor
