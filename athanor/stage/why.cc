// why: one document's whole story, from the raw bytes to where it ended. It reads what the runs left: the columns
// beside the texts and the keep bitmaps; no step is computed again.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/unicode.h"
#include "athanor/data/documents/documents_find.h"
#include "athanor/stage/command.h"
#include "athanor/stage/lineage.h"
#include "athanor/stage/verbs.h"

namespace athanor {

namespace {

// The runs whose documents lead to `run`, oldest first, itself included. A pipeline's runs are its inputs.
void collect_runs(const RunStore& store, const RunSummary& run, std::vector<RunSummary>& runs) {
  for (const auto& known : runs) {
    if (known.name == run.name) {
      return;
    }
  }
  for (const auto& input : run.info.value("inputs", nlohmann::json::array())) {
    if (const auto made_by = store.find(input.value("run", ""))) {
      collect_runs(store, *made_by, runs);
    }
  }
  const auto output = run.info.value("output", nlohmann::json::object());
  if (run.status == "done" && output.value("kind", "") == name_of(ArtifactKind::kDocuments)) {
    runs.push_back(run);
  }
}

RunSummary chosen_run(Session& session) {
  const std::string name = session.arguments.take("run", "");
  if (!name.empty()) {
    if (auto run = session.store.find(name)) {
      return *run;
    }
    throw Error(ErrorKind::kUsage, "there is no run or tag '" + name + "'", "", "athanor ls shows them");
  }
  std::optional<RunSummary> newest;
  for (auto& run : session.store.list()) {
    const std::string kind = run.info.value("output", nlohmann::json::object()).value("kind", "");
    if (run.status == "done" && (kind == name_of(ArtifactKind::kDocuments) || run.info.value("verb", "") == "pipeline")) {
      newest = std::move(run);
    }
  }
  if (!newest) {
    throw Error(ErrorKind::kInput, "no run in " + session.store.root().string() + " has documents", "",
                "athanor run RECIPE.yaml makes some");
  }
  return *newest;
}

// A number or a text worth a line; empty for nothing said.
std::string cell_text(const nlohmann::json& value) {
  if (value.is_number_float()) {
    return std::isnan(value.get<double>()) ? "" : human_number(value.get<double>(), 4);
  }
  if (value.is_number_integer()) {
    return grouped_integer(value.get<int64_t>());
  }
  return value.is_string() ? value.get<std::string>() : "";
}

class Story {
 public:
  Story(Session& session, std::string id) : session_(session), id_(std::move(id)) {}

  void add(const RunSummary& run) {
    const Verb* verb = find_verb(run.info.value("verb", ""));
    const std::vector<std::string> parts = verb != nullptr && !verb->parts.empty() ? verb->parts
                                                                                   : std::vector<std::string>{""};
    bool kept = false;
    std::string part_of;
    std::optional<FoundDocument> found;
    for (const auto& part : parts) {
      const auto here = find_document(Documents::open(part.empty() ? run.dir / "out" : run.dir / "out" / part), id_);
      if (here && (here->kept || !found)) {
        found = here;
        kept = here->kept;
        part_of = part;
      }
    }
    if (found) {
      id_ = found->document.id;  // the whole of it from here on
      tell(run, *found, kept, part_of);
    } else if (!steps_.empty()) {
      note(run, steps_.back().value("fate", "") == "dropped" ? "" : "is not among these documents");
    }
  }

  const nlohmann::json& steps() const { return steps_; }
  const std::string& id() const { return id_; }
  const std::string& text() const { return text_; }

 private:
  void note(const RunSummary& run, const std::string& what) {
    if (!what.empty()) {
      session_.print("  " + padded(title(run), 18) + padded(run.name, 24) + what);
      steps_.push_back({{"run", run.name}, {"fate", "absent"}});
    }
  }

  static std::string title(const RunSummary& run) {
    const std::string label = run.info.value("label", "");
    return label.empty() ? run.info.value("verb", "") : label;
  }

  void tell(const RunSummary& run, const FoundDocument& found, bool kept, const std::string& part) {
    const Document& document = found.document;
    const bool dropped_before = !steps_.empty() && steps_.back().value("fate", "") == "dropped";
    if (!kept && dropped_before) {
      return;  // later runs carry the row along
    }
    if (steps_.empty()) {
      session_.print(document.id + "\n  source  " + document.source + ", " +
                     grouped_integer(static_cast<int64_t>(document.span_begin)) + " to " +
                     grouped_integer(static_cast<int64_t>(document.span_end)));
    }
    std::string fate = kept ? "kept" : "dropped";
    const auto why = found.columns.find("dropped_by");
    if (!kept && why != found.columns.end() && why->second.is_string() && !why->second.get<std::string>().empty()) {
      fate += ": " + why->second.get<std::string>();
    }
    std::string size = grouped_integer(static_cast<int64_t>(document.text.size())) + " bytes";
    if (!text_.empty() && text_ != document.text) {
      size += " (rewritten, was " + grouped_integer(static_cast<int64_t>(text_.size())) + ")";
    }
    session_.print("  " + padded(title(run), 18) + padded(run.name, 24) + fate + (part.empty() ? "" : ", in " + part) +
                   ", " + size);
    nlohmann::json step{{"run", run.name}, {"label", title(run)}, {"fate", kept ? "kept" : "dropped"},
                        {"text_bytes", document.text.size()}, {"columns", nlohmann::json::object()}};
    if (!part.empty()) {
      step["part"] = part;
    }
    for (const auto& [name, value] : found.columns) {
      if (told_.contains(name) && told_[name] == value) {
        continue;
      }
      told_[name] = value;
      step["columns"][name] = value;
      if (const std::string text = cell_text(value); !text.empty()) {
        session_.print("      " + padded(name, 40) + text);
      }
    }
    text_ = document.text;
    steps_.push_back(std::move(step));
  }

  Session& session_;
  std::string id_;
  std::string text_;
  std::map<std::string, nlohmann::json> told_;
  nlohmann::json steps_ = nlohmann::json::array();
};

}  // namespace

int command_why(Session& session) {
  if (session.arguments.positional.empty()) {
    throw Error(ErrorKind::kUsage, "'why' needs a document", "",
                "give its id or the beginning of it, as in rejected/rejected.jsonl or athanor show RUN");
  }
  const std::string& id = session.arguments.positional[0];
  if (id.size() < 6 || id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw Error(ErrorKind::kUsage, "'" + id + "' is no document id", "", "an id is hexadecimal; give at least six digits");
  }
  const RunSummary run = chosen_run(session);
  std::vector<RunSummary> runs;
  collect_runs(session.store, run, runs);
  Story story(session, id);
  for (const auto& each : runs) {
    story.add(each);
  }
  if (story.steps().empty()) {
    throw Error(ErrorKind::kInput, "no document '" + id + "' in the " + std::to_string(runs.size()) + " runs behind " +
                                       run.name, "", "run=RUN looks behind another run; rows rejected by collect have no id, "
                                       "they stand in its rejected/ folder");
  }
  session.print("\n  " + std::string(utf8_prefix(story.text(), 400)) + (story.text().size() > 400 ? " ..." : ""));
  session.print_json({{"document", story.id()}, {"run", run.name}, {"steps", story.steps()}, {"text", story.text()}});
  return 0;
}

}  // namespace athanor
