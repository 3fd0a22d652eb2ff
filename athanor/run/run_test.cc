// Recipes, fields, run directories.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "athanor/base/error.h"
#include "athanor/run/digest_cache.h"
#include "athanor/run/fields.h"
#include "athanor/run/lease.h"
#include "athanor/run/recipe.h"
#include "athanor/run/run.h"

namespace athanor {
namespace {

fs::path scratch(const std::string& name) {
  const fs::path dir = fs::temp_directory_path() / ("athanor-run-" + name + "-" + std::to_string(::getpid()));
  fs::remove_all(dir);
  fs::create_directories(dir);
  return dir;
}

std::string message_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.where() + "|" + error.message() + "|" + error.hint();
  }
  return "no error";
}

struct InnerOptions {
  double lr = 0.001;
  double decay = 0.1;
  static void fields(Fields<InnerOptions>& f) {
    f.add("lr", &InnerOptions::lr, "learning rate").range(0, 10);
    f.add("decay", &InnerOptions::decay, "weight decay");
  }
};

struct OuterOptions {
  int64_t steps = 10;
  std::string name = "cosine";
  bool flag = false;
  int64_t threads = 0;
  std::vector<std::string> list = {"a"};
  nlohmann::json free = nlohmann::json::array();
  InnerOptions optimizer;
  static void fields(Fields<OuterOptions>& f) {
    f.add("steps", &OuterOptions::steps, "steps").range(1, 1e9);
    f.add("name", &OuterOptions::name, "schedule").choices({"cosine", "linear"});
    f.add("flag", &OuterOptions::flag, "a flag");
    f.add("threads", &OuterOptions::threads, "threads").speed();
    f.add("list", &OuterOptions::list, "a list");
    f.add("free", &OuterOptions::free, "anything");
    f.add("optimizer", &OuterOptions::optimizer, "the optimiser");
  }
};

TEST(Recipe, KnowsThePlaceOfEachValue) {
  const Node node = parse_recipe("a: 1\nb:\n  c: [x, \"2\"]\n", "r.yaml");
  EXPECT_EQ(node.find("b")->find("c")->mark.text(), "r.yaml:3:6");
  EXPECT_EQ(node.entries[1].key_mark.text(), "r.yaml:2:1");
  EXPECT_EQ(node.to_json().dump(), R"({"a":1,"b":{"c":["x","2"]}})");
}

TEST(Recipe, RefusesWhatIsNotData) {
  EXPECT_NE(message_of([] { parse_recipe("a: &x 1\nb: *x\n", "r"); }).find("anchors"), std::string::npos);
  EXPECT_NE(message_of([] { parse_recipe("a: !!python/object x\n", "r"); }).find("tags"), std::string::npos);
  EXPECT_NE(message_of([] { parse_recipe("a: 1\na: 2\n", "r"); }).find("r:2:1|the key 'a' stands here twice"),
            std::string::npos);
  EXPECT_NE(message_of([] { parse_recipe("a: 1\n---\nb: 2\n", "r"); }).find("more than one"), std::string::npos);
  EXPECT_NE(message_of([] { parse_recipe("a: [1\n", "r"); }).find("not valid YAML"), std::string::npos);
  EXPECT_NE(message_of([] { parse_recipe(std::string(200, '[') + std::string(200, ']'), "r"); }).find("too deep"),
            std::string::npos);
}

TEST(Recipe, OverridesByDottedPath) {
  Node node = parse_recipe("a: {b: 1}\n", "r");
  set_by_path(node, "a.b", "2.5", {"command line", 0, 0});
  set_by_path(node, "a.new.deep", "[1, two]", {"command line", 0, 0});
  set_by_path(node, "p", "Once: upon: a time", {"command line", 0, 0});
  EXPECT_EQ(node.to_json().dump(), R"({"a":{"b":2.5,"new":{"deep":[1,"two"]}},"p":"Once: upon: a time"})");
}

struct OtherDefaults : OuterOptions {
  OtherDefaults() { optimizer.decay = 0.5; }
  static void fields(Fields<OtherDefaults>& f) {
    f.add("steps", &OtherDefaults::steps, "steps");
    f.add("optimizer", &OtherDefaults::optimizer, "the optimizer");
  }
};

TEST(Fields, AnOuterStructsDefaultsStayWhereASiblingIsGiven) {
  const auto options = parse_options<OtherDefaults>(parse_recipe("optimizer: {lr: 0.2}", "r.yaml"), "outer");
  EXPECT_EQ(options.optimizer.lr, 0.2);
  EXPECT_EQ(options.optimizer.decay, 0.5);
  EXPECT_EQ(load_options<OtherDefaults>({{"optimizer", {{"lr", 0.2}}}}).optimizer.decay, 0.5);
  const auto infos = fields_of<OtherDefaults>().infos();
  EXPECT_EQ(infos[1].children[1].default_value, 0.5) << "what help shows";
  EXPECT_EQ(fields_of<OuterOptions>().infos().back().children[1].default_value, 0.1);
}

TEST(Recipe, YamlOfJsonReadsBack) {
  const auto value = nlohmann::json::parse(
      R"({"a":[1,{"b":"x: y","c":[]}],"d":{"e":"true","f":null,"g":1e-5,"h":"","i":"中文\n"},"j":[[1,2],["3"]]})");
  EXPECT_EQ(parse_recipe(to_yaml(value), "r").to_json(), value) << to_yaml(value);
}

TEST(Fields, ReadsAndDumps) {
  const auto options = parse_options<OuterOptions>(
      parse_recipe("steps: 1e3\nlist: x\noptimizer: {lr: 0.5}\nthreads: 4\nfree: [{a: 1}]\n", "r"), "outer");
  EXPECT_EQ(options.steps, 1000);
  EXPECT_EQ(options.list, std::vector<std::string>{"x"});
  EXPECT_EQ(options.optimizer.lr, 0.5);
  const auto full = dump_options(options, true);
  EXPECT_EQ(full["threads"], 4);
  EXPECT_FALSE(dump_options(options, false).contains("threads"));
  EXPECT_EQ(dump_options(load_options<OuterOptions>(full), true), full);
}

TEST(Fields, ErrorsNameThePlaceAndTheNearestName) {
  const auto read = [](const char* text) {
    return message_of([&] { parse_options<OuterOptions>(parse_recipe(text, "r.yaml"), "outer"); });
  };
  EXPECT_EQ(read("stpes: 1\n"), "r.yaml:1:1|unknown key 'stpes' in outer|did you mean 'steps'?");
  EXPECT_EQ(read("optimizer:\n  rl: 1\n").substr(0, 12), "r.yaml:2:3|u");
  EXPECT_EQ(read("steps: 0\n"), "r.yaml:1:8|'steps' must be between 1 and 1000000000, not '0'|steps: steps");
  EXPECT_EQ(read("steps: many\n"), "r.yaml:1:8|'steps' must be a whole number, not 'many'|steps: steps");
  EXPECT_NE(read("flag: yes please\n").find("true or false"), std::string::npos);
  EXPECT_NE(read("name: cosin\n").find("did you mean 'cosine'?"), std::string::npos);
  EXPECT_NE(read("optimizer: 3\n").find("must be a map"), std::string::npos);
}

RunSpec spec_of(const nlohmann::json& options) {
  RunSpec spec;
  spec.verb = "clean";
  spec.recipe = "verb: clean\n";
  spec.id = compute_run_id(spec.verb, 1, options, {}, nullptr);
  return spec;
}

TEST(RunStore, FreshThenDoneThenForced) {
  const RunStore unused(scratch("fresh"));
  RunStore store(unused.root());
  const auto spec = spec_of({{"a", 1}});
  std::string first;
  {
    auto run = store.open(spec, false);
    EXPECT_EQ(run.start(), Run::Start::kFresh);
    write_file_atomic(run.out_tmp() / "x.txt", "hello");
    run.finish(ArtifactKind::kDocuments, {{"documents", 1}});
    first = run.name();
  }
  auto again = store.open(spec, false);
  EXPECT_EQ(again.start(), Run::Start::kDone);
  EXPECT_EQ(again.name(), first);
  EXPECT_EQ(verify_manifest(again.out()), "");
  auto forced = store.open(spec, true);
  EXPECT_EQ(forced.name(), first + ".2");
  EXPECT_NE(spec_of({{"a", 2}}).id, spec.id);
  EXPECT_EQ(store.find(spec.id.substr(0, 10))->name, first);
}

TEST(RunStore, InterruptedRunIsResumedAndStateKept) {
  RunStore store(scratch("resume"));
  const auto spec = spec_of({{"a", 1}});
  {
    auto run = store.open(spec, false);
    make_dirs(run.state());
    write_file_atomic(run.out_tmp() / "half", "x");
  }
  EXPECT_EQ(store.list().at(0).status, "interrupted");
  auto run = store.open(spec, false);
  EXPECT_EQ(run.start(), Run::Start::kResumed);
  EXPECT_FALSE(fs::exists(run.out_tmp() / "half"));
  EXPECT_EQ(run.info()["starts"].size(), 2u);
}

TEST(RunStore, FinishCutShortIsCompleted) {
  for (const bool renamed : {false, true}) {
    RunStore store(scratch("finish"));
    const auto spec = spec_of({{"a", 1}});
    {
      auto run = store.open(spec, false);
      write_file_atomic(run.out_tmp() / "x", "y");
      run.info()["status"] = "finishing";
      run.save();
      if (renamed) {
        fs::rename(run.out_tmp(), run.out());
      }
    }
    EXPECT_EQ(store.open(spec, false).start(), Run::Start::kDone);
    EXPECT_TRUE(fs::exists(store.list().at(0).dir / "out/x"));
  }
}

TEST(RunStore, SecondProcessIsToldWhoHasIt) {
  RunStore store(scratch("busy"));
  const auto spec = spec_of({{"a", 1}});
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto run = store.open(spec, false);
    [[maybe_unused]] const auto n = ::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const std::string message = message_of([&] { store.open(spec, false); });
  EXPECT_NE(message.find("process " + std::to_string(child)), std::string::npos) << message;
  EXPECT_EQ(store.list().at(0).status, "running");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(store.open(spec, false).start(), Run::Start::kFresh);
}

TEST(RunStore, TagsNameRuns) {
  RunStore store(scratch("tags"));
  const auto spec = spec_of({{"a", 1}});
  const std::string name = store.open(spec, false).name();
  write_tag(store.root(), {"best", name, "production", ""});
  EXPECT_EQ(store.find("@best")->name, name);
  EXPECT_EQ(read_tags(store.root()).at(0).stage, "production");
  write_tag(store.root(), {"best", "", "", ""});
  EXPECT_FALSE(store.find("best"));
}

TEST(EventLog, TornLineIsCutAndPositionsHold) {
  const fs::path path = scratch("events") / "events.jsonl";
  uint64_t position = 0;
  {
    EventLog log(path);
    log.emit("step", {{"step", 1}});
    position = log.position();
    log.emit("step", {{"step", 2}});
  }
  FileWriter(path, FileWriter::Mode::kAppend).write("{\"type\":\"st");
  EventLog log(path);
  int events = 0;
  EXPECT_EQ(read_events(path, [&](const nlohmann::json&) { ++events; }), 0u);
  EXPECT_EQ(events, 2);
  log.truncate(position);
  log.emit("step", {{"step", 3}});
  std::vector<int> steps;
  read_events(path, [&](const nlohmann::json& event) { steps.push_back(event["step"]); });
  EXPECT_EQ(steps, (std::vector<int>{1, 3}));
}

TEST(Artifact, VerifyNamesTheFirstDifference) {
  const fs::path dir = scratch("manifest");
  fs::create_directories(dir / "sub");
  write_file_atomic(dir / "a", "1");
  write_file_atomic(dir / "sub/b", "22");
  const std::string digest = write_manifest(dir);
  EXPECT_EQ(digest, manifest_digest(dir));
  EXPECT_EQ(verify_manifest(dir), "");
  write_file_atomic(dir / "sub/b", "23");
  EXPECT_EQ(verify_manifest(dir, 0), "");
  EXPECT_EQ(verify_manifest(dir, 2), "") << "the smaller file and two bytes of the larger";
  EXPECT_EQ(verify_manifest(dir, 3), "sub/b has other bytes than when it was written");
  EXPECT_EQ(verify_manifest(dir), "sub/b has other bytes than when it was written");
  fs::remove(dir / "a");
  EXPECT_EQ(verify_manifest(dir, 0), "a is missing");
}

TEST(DigestCache, RemembersAndNoticesChange) {
  const fs::path dir = scratch("digests");
  write_file_atomic(dir / "a", "1");
  const std::string first = DigestCache(dir / "cache").file_digest(dir / "a");
  EXPECT_EQ(DigestCache(dir / "cache").file_digest(dir / "a"), first);
  write_file_atomic(dir / "a", "2");
  EXPECT_NE(DigestCache(dir / "cache").file_digest(dir / "a"), first);
}

}  // namespace
}  // namespace athanor
