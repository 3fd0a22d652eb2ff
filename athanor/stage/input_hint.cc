#include "athanor/stage/input_hint.h"

#include "athanor/run/artifact.h"

namespace athanor {

std::string hint_for_role(const Verb& verb, const Role& role, ArtifactKind kind) {
  for (const auto& other : verb.roles) {
    if (other.kind == kind && other.name != role.name) {
      return "'" + verb.name + "' has several inputs: from: {" + role.name + ": ..., " + other.name + ": ...}";
    }
  }
  return "";
}

std::string hint_for_path(const Verb& verb, const Role& role, const fs::path& path) {
  std::error_code code;
  if (fs::exists(path / "out", code) && can_serve_as(path / "out", role.kind)) {
    return "a run's artifact is in its out: give " + (path / "out").string();
  }
  if (role.kind == ArtifactKind::kTokenizer) {
    return "a folder that holds tokenizer.json; of other files make one: athanor tokens " + path.string() +
           " to=FOLDER/tokenizer.json";
  }
  return hint_for_role(verb, role, detect_kind(path));
}

}  // namespace athanor
