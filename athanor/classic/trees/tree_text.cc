#include "athanor/classic/trees/tree_text.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/format.h"
#include "athanor/base/format_width.h"
#include "athanor/run/svg.h"
#include "athanor/run/svg_axis.h"

namespace athanor {

namespace {

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string name_at(const std::vector<std::string>& names, int32_t column) {
  return static_cast<size_t>(column) < names.size() ? names[static_cast<size_t>(column)]
                                                    : "column " + std::to_string(column);
}

class Teller {
 public:
  Teller(const TreeSet& trees, uint64_t tree, const std::vector<std::string>& names,
         const std::vector<std::string>& labels)
      : trees_(trees),
        names_(names),
        labels_(labels),
        root_(trees.roots[tree]),
        leaves_(static_cast<size_t>(trees.end_of(tree) - root_), 1) {
    trees.check_explained();
    for (int32_t i = trees.end_of(tree) - 1; i >= root_; --i) {
      if (!node(i).is_leaf()) {
        leaves_[static_cast<size_t>(i - root_)] = leaves(node(i).child) + leaves(node(i).child + 1);
      }
    }
  }

  const TreeNode& node(int32_t i) const { return trees_.nodes[static_cast<size_t>(i)]; }
  int64_t leaves(int32_t i) const { return leaves_[static_cast<size_t>(i - root_)]; }
  int32_t root() const { return root_; }

  std::string cover(int32_t i) const {
    const double weight = trees_.cover[static_cast<size_t>(i)];
    return weight == std::floor(weight) && weight < 1e9
               ? grouped_integer(static_cast<int64_t>(weight))
               : short_number(weight);
  }

  std::string condition(int32_t i, bool left) const {
    const TreeNode& at = node(i);
    const std::string name = name_at(names_, at.column());
    if (at.is_category()) {
      constexpr size_t kShown = 6;
      std::string list;
      const auto set = trees_.set_of(at);
      for (size_t k = 0; k < std::min(kShown, set.size()); ++k) {
        list += (k == 0 ? "" : ", ") + short_number(set[k]);
      }
      const std::string rest = set.size() > kShown ? ", " + std::to_string(set.size() - kShown) + " more" : "";
      return name + (left ? " in {" : " not in {") + list + rest + "}";
    }
    if (std::isinf(at.threshold)) {
      return name + (left ? " is known" : " is missing");
    }
    return name + (left ? " <= " : " > ") + short_number(at.threshold) +
           (at.missing_left() == left ? " or missing" : "");
  }

  std::string says(int32_t leaf) const {
    const double* value = trees_.value_of(node(leaf));
    if (labels_.size() != trees_.width || labels_.empty()) {
      return short_number(value[0]);
    }
    const size_t best = static_cast<size_t>(std::max_element(value, value + trees_.width) - value);
    return labels_[best] + " (" + short_number(std::round(value[best] * 1000) / 1000) + ")";
  }

  void tell(int32_t i, int depth, int max_depth, std::string& out) const {
    std::string indent;
    for (int k = 0; k < depth; ++k) {
      indent += "|   ";
    }
    if (node(i).is_leaf()) {
      out += indent + says(i) + " of " + cover(i) + "\n";
      return;
    }
    if (depth >= max_depth) {
      out += indent + "... " + grouped_integer(leaves(i)) + " leaves of " + cover(i) + "\n";
      return;
    }
    for (const bool left : {true, false}) {
      out += indent + condition(i, left) + "\n";
      tell(node(i).child + (left ? 0 : 1), depth + 1, max_depth, out);
    }
  }

 private:
  const TreeSet& trees_;
  const std::vector<std::string>& names_;
  const std::vector<std::string>& labels_;
  int32_t root_;
  std::vector<int64_t> leaves_;
};

// Where boxes stand: those at the ends of branches in even steps, a parent over the middle of its
// children.
class Drawer {
 public:
  Drawer(const Teller& teller, const TreePicture& picture) : teller_(teller), picture_(picture) {
    ends_ = count_ends(teller.root(), 0);
    step_ = std::max(kLeast, static_cast<double>(picture.width) / std::max(1, ends_));
  }

  std::string draw() {
    place(teller_.root(), 0);
    const int height = static_cast<int>(kTop + (deepest_ + 1) * kRow);
    const int width = static_cast<int>(std::max<double>(picture_.width, step_ * ends_));
    return svg_open(width, height, picture_.title) +
           (picture_.title.empty() ? ""
                                   : "<text x=\"0\" y=\"13\"><tspan class=\"t\">" +
                                         escape_markup(picture_.title) + "</tspan></text>") +
           "<path class=\"g\" fill=\"none\" d=\"" + lines_ + "\"/>" + boxes_ + "</svg>";
  }

 private:
  static constexpr double kTop = 26, kRow = 62, kBoxHeight = 34, kLeast = 112,
                          kMost = 190;

  bool is_end(int32_t i, int depth) const {
    return teller_.node(i).is_leaf() || depth >= picture_.max_depth;
  }
  int count_ends(int32_t i, int depth) const {
    return is_end(i, depth) ? 1
                            : count_ends(teller_.node(i).child, depth + 1) +
                                  count_ends(teller_.node(i).child + 1, depth + 1);
  }

  double place(int32_t i, int depth) {
    deepest_ = std::max(deepest_, depth);
    const double y = kTop + depth * kRow;
    if (is_end(i, depth)) {
      const double x = (next_++ + 0.5) * step_;
      const bool leaf = teller_.node(i).is_leaf();
      box(x, y, leaf ? teller_.says(i) : "... " + grouped_integer(teller_.leaves(i)) + " leaves",
          teller_.cover(i), leaf);
      return x;
    }
    const int32_t child = teller_.node(i).child;
    const double left = place(child, depth + 1);
    const double right = place(child + 1, depth + 1);
    const double x = (left + right) / 2;
    for (const double to : {left, right}) {
      lines_ += "M" + px(x) + " " + px(y + kBoxHeight) + "L" + px(to) + " " + px(y + kRow);
    }
    box(x, y, teller_.condition(i, true), teller_.cover(i), false, count_ends(i, depth));
    return x;
  }

  // ends: below the box, whose room it may fill.
  void box(double x, double y, const std::string& first, const std::string& second, bool leaf,
           int ends = 1) {
    const double width = std::clamp(kMost, step_, step_ * ends) - 8;
    const int columns = std::max(4, static_cast<int>(width / 6.3) - 1);
    boxes_ += std::string("<rect class=\"") + (leaf ? "b" : "g") + "\" fill-opacity=\"" +
              (leaf ? "0.25" : "0.08") + "\" rx=\"3\" x=\"" + px(x - width / 2) + "\" y=\"" +
              px(y) + "\" width=\"" + px(width) + "\" height=\"" + px(kBoxHeight) + "\"><title>" +
              escape_markup(first + ", " + second) + "</title></rect>";
    boxes_ += text_at(x, y + 14, cut_to_width(first, columns), "n", "middle");
    boxes_ += text_at(x, y + 28, cut_to_width(second, columns), "", "middle");
  }

  const Teller& teller_;
  TreePicture picture_;
  int ends_ = 1, next_ = 0, deepest_ = 0;
  double step_ = kLeast;
  std::string lines_, boxes_;
};

}  // namespace

std::string tree_text(const TreeSet& trees, uint64_t tree, const std::vector<std::string>& names,
                      const std::vector<std::string>& labels, int max_depth) {
  const Teller teller(trees, tree, names, labels);
  std::string out;
  teller.tell(teller.root(), 0, max_depth, out);
  return out;
}

std::string tree_svg(const TreeSet& trees, uint64_t tree, const std::vector<std::string>& names,
                     const std::vector<std::string>& labels, const TreePicture& picture) {
  const Teller teller(trees, tree, names, labels);
  return Drawer(teller, picture).draw();
}

}  // namespace athanor
