// A space from a recipe, and a study's journal: read or refused with an Error; what is read gives points of the space.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/tune/study_journal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace athanor;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t cut = text.find("\n---\n");
  const tune::Space known = tune::Space::parse(parse_recipe("x: {float: [0, 1]}\nk: {choice: [a, b]}\n", "known"));
  try {
    const tune::Space space = tune::Space::parse(parse_recipe(text.substr(0, cut), "fuzz"));
    Rng rng(size);
    for (int i = 0; i < 4; ++i) {
      const tune::Point point = space.random(rng);
      space.point_of(space.values(point));
    }
  } catch (const Error&) {
  }
  if (cut == std::string::npos) {
    return 0;
  }
  const fs::path path = fs::temp_directory_path() / "athanor_study_fuzz.jsonl";
  write_file_atomic(path, text.substr(cut + 5));
  try {
    tune::SearchOptions options;
    options.sampler.kind = "random";
    tune::Search search(known, options);
    tune::StudyJournal journal(path, search);
  } catch (const Error&) {
  }
  return 0;
}
