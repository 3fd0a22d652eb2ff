// mix: documents of several sources -> documents, in stated shares and a drawn order.
#include "athanor/data/mix/mix.h"

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

struct MixRecipe {
  nlohmann::json weights = nlohmann::json::object();
  nlohmann::json budgets = nlohmann::json::object();
  std::string unit = "bytes";
  double total = 0;
  double max_epochs = 4;
  bool shuffle = true;
  bool cut = false;
  int64_t seed = 1;
  int64_t memory_mb = 1024;
  int64_t threads = 0;
  static void fields(Fields<MixRecipe>& f) {
    f.add("weights", &MixRecipe::weights, "{input: share of the whole}, of any sum; none: all that there is, once");
    f.add("budgets", &MixRecipe::budgets, "{input: units to take}, instead of weights");
    f.add("unit", &MixRecipe::unit, "what shares and budgets count; tokens: by the column num_tokens")
        .choices({"bytes", "characters", "documents", "tokens"});
    f.add("total", &MixRecipe::total, "units of the whole, for weights; 0: as much as they and max_epochs allow").range(0, 9e18);
    f.add("max_epochs", &MixRecipe::max_epochs, "how many times what it has an input may give at most").range(1e-9, 1e6);
    f.add("shuffle", &MixRecipe::shuffle, "a drawn order; false: input by input, as they stand");
    f.add("cut", &MixRecipe::cut, "cut the last document of each input to meet bytes or characters exactly");
    f.add("seed", &MixRecipe::seed, "of the choice and the order").range(0, 9e15);
    f.add("memory_mb", &MixRecipe::memory_mb, "bounds how many threads write at once").range(1, 1e9).speed();
    f.add("threads", &MixRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

std::map<std::string, double> numbers_of(const nlohmann::json& map, const std::string& option) {
  std::map<std::string, double> numbers;
  if (map.is_null()) {
    return numbers;
  }
  if (!map.is_object()) {
    throw Error(ErrorKind::kUsage, option + " must be a map from inputs to numbers", option,
                "for example " + option.substr(option.find('.') + 1) + ": {books: 0.3, web: 0.7}");
  }
  for (const auto& [name, value] : map.items()) {
    if (!value.is_number() || value.get<double>() < 0) {
      throw Error(ErrorKind::kUsage, option + ": '" + name + "' must be a number from 0, not " + value.dump(), option);
    }
    numbers[name] = value.get<double>();
  }
  return numbers;
}

void prepare_mix(nlohmann::json& resolved) {
  const auto recipe = load_options<MixRecipe>(resolved);
  const auto weights = numbers_of(recipe.weights, "mix.weights");
  const auto budgets = numbers_of(recipe.budgets, "mix.budgets");
  if (!weights.empty() && !budgets.empty()) {
    throw Error(ErrorKind::kUsage, "weights and budgets say two things: give one of them", "mix.budgets");
  }
  if (!budgets.empty() && recipe.total > 0) {
    throw Error(ErrorKind::kUsage, "total goes with weights: budgets have a total of their own", "mix.total");
  }
  if (recipe.cut && (recipe.unit == "documents" || recipe.unit == "tokens")) {
    throw Error(ErrorKind::kUsage, "cut: true needs unit: bytes or characters", "mix.cut");
  }
}

nlohmann::json shares_json(const std::vector<MixShare>& shares, MixUnit unit) {
  auto list = nlohmann::json::object();
  for (const MixShare& share : shares) {
    list[share.name] = {{"available", share.available},
                        {"available_documents", share.available_documents},
                        {"budget", share.budget},
                        {"taken", share.taken},
                        {"off_by", static_cast<int64_t>(share.taken) - static_cast<int64_t>(share.budget)},
                        {"unit", name_of(unit)},
                        {"epochs", share.epochs()},
                        {"documents", share.documents},
                        {"text_bytes", share.text_bytes}};
  }
  return list;
}

nlohmann::json execute_mix(StageContext& context) {
  if (context.shard.whole()) {
    context.run.events().truncate(0);  // a new start tells its counts anew
  }
  const auto recipe = load_options<MixRecipe>(context.options);
  MixOptions options;
  options.unit = mix_unit(recipe.unit);
  options.weights = numbers_of(recipe.weights, "mix.weights");
  options.budgets = numbers_of(recipe.budgets, "mix.budgets");
  options.total = recipe.total;
  options.max_epochs = recipe.max_epochs;
  options.seed = static_cast<uint64_t>(recipe.seed);
  options.shuffle = recipe.shuffle;
  options.cut = recipe.cut;
  options.memory_bytes = static_cast<uint64_t>(recipe.memory_mb) << 20;
  std::vector<Documents> documents;
  documents.reserve(context.inputs.size());
  std::vector<MixSource> sources;
  for (const StageInput& input : context.inputs) {
    documents.push_back(Documents::open(input.path));
    sources.push_back({input.role, &documents.back()});
  }
  ThreadPool pool(static_cast<int>(recipe.threads));
  const Mixer mixer(std::move(sources), options, pool);
  uint64_t bytes = 0;
  std::string parts;
  auto repeated = nlohmann::json::array();
  for (const MixShare& share : mixer.shares()) {
    bytes += share.text_bytes;
    parts += (parts.empty() ? "" : ", ") + share.name + " x " + human_number(share.epochs(), 3);
    if (share.epochs() > 1) {
      repeated.push_back(share.name);
    }
  }
  const auto done = [&](double fraction) {
    context.progress.update(fraction, human_bytes(fraction * static_cast<double>(bytes)));
  };
  if (!context.shard.whole()) {
    const bool all = mixer.write_share(context.run.state(), context.shard, done);
    return all ? nlohmann::json::object()
               : nlohmann::json{{"paused", "the other shards' parts are not there: once they are, run this shard again "
                                           "for its share of the rest, or let the merge do it"}};
  }
  if (context.merge) {
    mixer.merge(context.run.out_tmp(), context.run.state(), done);
  } else {
    mixer.write(context.run.out_tmp(), context.run.state(), done);
  }
  const Documents written = Documents::open(context.run.out_tmp());
  const auto shares = shares_json(mixer.shares(), options.unit);
  context.run.events().emit("counts", {{"shares", shares}});
  return {{"documents", written.num_documents()},
          {"text_bytes", written.text_bytes()},
          {"shares", shares},
          {"seen_more_than_once", repeated},
          {"summary", grouped_integer(static_cast<int64_t>(written.num_documents())) + " documents, " +
                          human_bytes(static_cast<double>(written.text_bytes())) + ": " + parts}};
}

}  // namespace

Verb mix_verb() {
  Verb verb;
  verb.name = "mix";
  verb.summary = "mix documents of several sources by weights or budgets, shuffled";
  Role role{"documents", ArtifactKind::kDocuments, true, "the sources, each under a name of your choice"};
  role.many = true;
  verb.roles = {role};
  verb.revision = 2;
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<MixRecipe>();
  verb.prepare = prepare_mix;
  verb.resumable = true;
  verb.shards = true;
  verb.execute = execute_mix;
  verb.example = "athanor mix 'from={books: collect-1a2b3c4d, web: clean-5e6f7a8b}' 'weights={books: 0.3, web: 0.7}'";
  return verb;
}

}  // namespace athanor
