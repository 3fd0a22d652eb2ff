// What to do about an input that is not what its role wants, for messages.
#pragma once

#include <string>

#include "athanor/base/file.h"
#include "athanor/run/verb.h"

namespace athanor {

// The verb has another input that takes such an artifact: "'V' has several inputs: from: {a: ..., b: ...}"; else "".
std::string hint_for_role(const Verb& verb, const Role& role, ArtifactKind kind);
// The same for a path, which may be a run's folder or hold a tokenizer in another format.
std::string hint_for_path(const Verb& verb, const Role& role, const fs::path& path);

}  // namespace athanor
