// Post-processors of tokenizer.json: what is put around one text or two. Each type is one function that reads its
// fields and gives a step, and one line in the table of post_processor.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "athanor/token/file/json_field.h"
#include "athanor/token/pipeline/draft.h"

namespace athanor::token {

struct PostProcessor {
  struct Step {
    std::string type;
    size_t added_single = 0, added_pair = 0;  // tokens that it adds
    // Takes one draft a text, gives the drafts that make up the result, in order.
    std::function<void(std::vector<Draft>& drafts, bool add_special_tokens)> apply;
  };
  std::vector<Step> steps;
  bool trims = false;  // takes spaces off offsets, so it needs Draft::edges

  size_t num_added(bool pair) const;
  // Merges the drafts into one. add_special_tokens false: only offsets and type ids are seen to.
  Draft apply(std::vector<Draft> drafts, bool add_special_tokens) const;
};

// Error(kInput) naming the field for what is not supported.
PostProcessor read_post_processor(const Field& field);

std::string post_processor_types();

}  // namespace athanor::token
