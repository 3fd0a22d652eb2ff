#include "athanor/data/html/rules.h"

#include <algorithm>
#include <vector>

#include "athanor/data/html/names.h"

namespace athanor::html {

namespace {

// A run that reads as prose: long enough, and not mostly links.
bool is_prose(const Run& run) {
  if ((run.flags & kRunHeading) != 0 || run.link_bytes * 2 > run.bytes) {
    return false;
  }
  return run.bytes >= 100 || (run.bytes >= 40 && ((run.flags & kRunSentence) != 0 || run.stops >= 1));
}

class Rules {
 public:
  explicit Rules(Page& page) : page_(page), prose_(page.runs.size() + 1), bytes_(page.runs.size() + 1), links_(page.runs.size() + 1) {}
  uint32_t run();

 private:
  void sum();
  uint32_t prose(uint32_t node) const { return range(prose_, node); }
  uint32_t bytes(uint32_t node) const { return range(bytes_, node); }
  uint32_t links(uint32_t node) const { return range(links_, node); }
  uint32_t range(const std::vector<uint32_t>& sums, uint32_t node) const {
    return sums[page_.nodes[node].end_run] - sums[page_.nodes[node].first_run];
  }
  void drop_runs(uint32_t from, uint32_t to);
  void cut(uint32_t node);
  bool is_boilerplate(uint32_t node, uint32_t total) const;
  void prune(uint32_t root, bool inside);
  uint32_t choose_root();
  uint32_t descend(uint32_t root, double share) const;

  Page& page_;
  std::vector<uint32_t> prose_;  // prefix sums over runs: bytes of prose, all bytes, bytes of links
  std::vector<uint32_t> bytes_;
  std::vector<uint32_t> links_;
};

void Rules::sum() {
  for (size_t i = 0; i < page_.runs.size(); ++i) {
    const Run& run = page_.runs[i];
    const bool live = !page_.is_dropped(run);
    prose_[i + 1] = prose_[i] + (live && is_prose(run) ? run.bytes - run.link_bytes : 0);
    bytes_[i + 1] = bytes_[i] + (live ? run.bytes : 0);
    links_[i + 1] = links_[i] + (live ? run.link_bytes : 0);
  }
}

void Rules::drop_runs(uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; ++i) {
    page_.runs[i].flags |= kRunDropped;
  }
}

void Rules::cut(uint32_t node) {
  Node& one = page_.nodes[node];
  if ((one.flags & kBlock) == 0 && one.first_run < one.end_run) {
    // Inline: its text may share a run with what stays.
    one.flags |= kInlineCut;
  }
  one.flags |= kCut;
  drop_runs(one.first_run, one.end_run);
}

constexpr uint32_t kStrong = kNameComment | kNameRelated | kNameShare | kNameNavigation | kNameSide | kNameFooter |
                             kNameAdvert | kNameForm | kNameHidden | kNamePrint;

bool Rules::is_boilerplate(uint32_t index, uint32_t total) const {
  const Node& node = page_.nodes[index];
  const uint32_t mass = prose(index);
  const bool small = mass * 2 < total;  // what holds most of the prose is never boilerplate
  switch (node.tag) {
    case LXB_TAG_NAV:
    case LXB_TAG_MENU:
      return true;
    case LXB_TAG_FOOTER:
    case LXB_TAG_ASIDE:
      return small;
    case LXB_TAG_FIGCAPTION:
    case LXB_TAG_FIGURE:
      return mass * 4 < total;
    case LXB_TAG_BODY:
    case LXB_TAG_HTML:
    case LXB_TAG_MAIN:
      return false;
    default:
      break;
  }
  if ((node.flags & kHidden) != 0 && small) {
    return true;
  }
  if ((node.flags & kArticleBody) != 0 || !small) {
    return false;
  }
  return (node.names & kStrong) != 0 && (node.names & kNameArticleBody) == 0;
}

void Rules::prune(uint32_t root, bool inside) {
  sum();
  const uint32_t total = std::max<uint32_t>(1, prose(root));
  (void)inside;
  for (uint32_t i = root + 1; i < page_.nodes[root].end;) {
    const Node& node = page_.nodes[i];
    if (node.tag != LXB_TAG__TEXT && node.first_run < node.end_run && is_boilerplate(i, total)) {
      cut(i);
      i = node.end;
    } else {
      ++i;
    }
  }
  sum();
}

// The smallest element below root that still holds that share of its prose.
uint32_t Rules::descend(uint32_t root, double share) const {
  const double wanted = share * prose(root);
  for (uint32_t at = root;;) {
    uint32_t next = at;
    for (uint32_t child = at + 1; child < page_.nodes[at].end; child = page_.nodes[child].end) {
      if (page_.nodes[child].tag != LXB_TAG__TEXT && prose(child) >= wanted) {
        next = child;
        break;
      }
    }
    if (next == at || (page_.nodes[next].flags & kBlock) == 0 || page_.nodes[next].tag == LXB_TAG_P) {
      return at;
    }
    at = next;
  }
}

uint32_t Rules::choose_root() {
  const uint32_t body = page_.body;
  const uint32_t total = prose(body);
  uint32_t best = 0;
  uint32_t best_mass = 0;
  for (uint32_t i = body; i < page_.nodes[body].end; ++i) {
    const Node& node = page_.nodes[i];
    const bool named = (node.flags & kArticleBody) != 0 || (node.names & kNameArticleBody) != 0;
    if (named && (node.flags & kCut) == 0 && prose(i) > best_mass) {
      best = i;
      best_mass = prose(i);
    }
  }
  if (best != 0 && best_mass * 10 >= total * 4) {
    return descend(best, 0.95);
  }
  best_mass = 0;
  for (uint32_t i = body; i < page_.nodes[body].end; ++i) {
    if (page_.nodes[i].tag == LXB_TAG_ARTICLE && prose(i) > best_mass) {
      best = i;
      best_mass = prose(i);
    }
  }
  if (best != 0 && best_mass * 10 >= total * 4) {
    return descend(best, 0.9);
  }
  return descend(body, 0.85);
}

uint32_t Rules::run() {
  if (page_.runs.empty()) {
    return 0;
  }
  prune(page_.body, false);
  const uint32_t root = choose_root();
  drop_runs(0, page_.nodes[root].first_run);
  drop_runs(page_.nodes[root].end_run, static_cast<uint32_t>(page_.runs.size()));
  return root;
}

}  // namespace

uint32_t choose_main_text(Page& page) { return Rules(page).run(); }

}  // namespace athanor::html
