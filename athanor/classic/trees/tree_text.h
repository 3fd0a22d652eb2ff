// A tree for a person: as text, and as a picture.
//
//   income <= 3.5
//   |   age <= 40 or missing
//   |   |   no (0.93) of 120
//   |   age > 40
//   |   |   yes (0.61) of 80
//   income > 3.5 or missing
//   |   yes (0.99) of 1,200
#pragma once

#include <string>
#include <vector>

#include "athanor/classic/trees/tree_set.h"

namespace athanor {

// Down to max_depth; what is deeper is "... 12 leaves". labels: of the numbers of a leaf (classes),
// or empty (values). A leaf tells its cover: rows, or weight.
std::string tree_text(const TreeSet& trees, uint64_t tree, const std::vector<std::string>& names,
                      const std::vector<std::string>& labels, int max_depth);

struct TreePicture {
  std::string title;
  int max_depth = 4;
  int width = 720;
};
// An SVG fragment in the style of run/svg.h: a box a node (what it asks, or what it says), the left
// branch is yes.
std::string tree_svg(const TreeSet& trees, uint64_t tree, const std::vector<std::string>& names,
                     const std::vector<std::string>& labels, const TreePicture& picture);

}  // namespace athanor
