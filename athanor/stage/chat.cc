// chat: a session over a model in the terminal. Its run keeps the turns as events.
#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/base/text.h"
#include "athanor/stage/command.h"
#include "athanor/stage/evaluate.h"
#include "athanor/stage/torch_unit.h"

namespace athanor {

namespace {

// The model that the argument names: a run, a tag, or a folder.
StageInput find_model(Session& session) {
  const auto& names = session.arguments.positional;
  if (names.empty()) {
    throw Error(ErrorKind::kUsage, "chat needs a model", "", "athanor ls verb=pretrain shows the models made here");
  }
  StageInput input;
  input.role = "model";
  input.record.role = "model";
  std::error_code code;
  if (const auto run = session.store.find(names[0])) {
    input.path = run->dir / "out";
    input.record.run = run->name;
    input.record.id = run->info.value("id", "");
  } else if (fs::exists(fs::path(names[0]) / "config.json", code)) {
    input.path = names[0];
    input.record.path = names[0];
  } else if (fs::exists(fs::path(names[0]) / "out/config.json", code)) {
    input.path = fs::path(names[0]) / "out";
    input.record.path = input.path.string();
  } else {
    run_from_arguments(session);  // says what is near
  }
  input.kind = detect_kind(input.path);
  if (input.kind != ArtifactKind::kModel || !can_serve_as(input.path, ArtifactKind::kTokenizer)) {
    throw Error(ErrorKind::kUsage, "holds no model with a tokenizer", input.path.string(),
                "athanor ls verb=pretrain shows the models made here");
  }
  return input;
}

}  // namespace

OptionSchema chat_schema() { return schema_of<ChatOptions>(); }

int command_chat(Session& session) {
  Node node;
  node.kind = Node::Kind::kMap;
  for (const auto& [key, value] : session.arguments.overrides) {
    set_by_path(node, key, value, {"command line: " + key + "=" + value, 0, 0});
  }
  nlohmann::json options = dump_options(parse_options<ChatOptions>(node, "chat"), true);
  const StageInput model = find_model(session);
  RunSpec spec;
  spec.verb = "chat";
  spec.recipe = to_yaml(options);
  spec.inputs = {model.record};
  spec.id = sha256_hex(std::to_string(unix_time()) + options.dump());  // a session is never the same twice
  Run run = session.store.open(spec, false);
  options["json"] = session.arguments.json;  // no option of the recipe: how the answers are printed
  const std::vector<StageInput> inputs{model};
  const nlohmann::json pins;
  StageContext context{options, inputs, run, session.progress, session.digests, pins, session.store.cache_dir()};
  try {
    run.finish(ArtifactKind::kNone, torch_entry("chat").execute(context));
  } catch (...) {
    const Error error = readable_error();
    run.fail(error);
    throw error;
  }
  return 0;
}

}  // namespace athanor
