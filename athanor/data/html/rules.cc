#include "athanor/data/html/rules.h"

#include <algorithm>
#include <vector>

#include "athanor/data/html/lines.h"
#include "athanor/data/html/names.h"

namespace athanor::html {

namespace {

bool is_hidden(const Node& node) { return (node.flags & kHidden) != 0 || (node.names & kNameHidden) != 0; }

class Rules {
 public:
  explicit Rules(Page& page)
      : page_(page),
        prose_(page.runs.size() + 1),
        bytes_(page.runs.size() + 1),
        links_(page.runs.size() + 1) {}
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
  uint32_t mass_of(uint32_t node) const;
  bool is_boilerplate(uint32_t node, uint32_t total) const;
  bool is_nested_article(uint32_t index) const;
  void prune(uint32_t root);
  template <typename Wanted>
  uint32_t largest(const Wanted& wanted) const;
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

void Rules::cut(uint32_t index) {
  Node& node = page_.nodes[index];
  node.flags |= kCut;
  if ((node.flags & kBlock) != 0) {
    drop_runs(node.first_run, node.end_run);
    return;
  }
  // Inline: a run that goes on behind it stays, without what is hidden.
  for (uint32_t i = node.first_run; i < node.end_run; ++i) {
    if (page_.runs[i].last < node.end) {
      drop_runs(i, i + 1);
    }
  }
  for (uint32_t i = index + 1; i < node.end && is_hidden(node); ++i) {
    if (page_.nodes[i].tag == LXB_TAG__TEXT) {
      page_.nodes[i].flags |= kInlineCut;
    }
  }
}

constexpr uint32_t kStrong = kNameComment | kNameRelated | kNameShare | kNameNavigation | kNameSide |
                             kNameFooter | kNameAdvert | kNameForm | kNameHidden | kNamePrint;
constexpr uint32_t kWeak = kNameMeta | kNameCaption | kNameMedia | kNameBio | kNameHeader;

// Prose of an element; of an inline one without the run that goes on behind it.
uint32_t Rules::mass_of(uint32_t index) const {
  const Node& node = page_.nodes[index];
  const bool shared = node.first_run < node.end_run && page_.runs[node.end_run - 1].last >= node.end;
  return shared ? prose_[node.end_run - 1] - prose_[node.first_run] : prose(index);
}

bool Rules::is_boilerplate(uint32_t index, uint32_t total) const {
  const Node& node = page_.nodes[index];
  const uint32_t mass = mass_of(index);
  const bool half = mass * 2 < total;  // what holds most of the prose is never boilerplate
  const bool fifth = mass * 5 < total;
  switch (node.tag) {
    case LXB_TAG_NAV:
    case LXB_TAG_MENU: return true;
    case LXB_TAG_FOOTER:
    case LXB_TAG_ASIDE: return half;
    case LXB_TAG_HEADER:
    case LXB_TAG_FIGCAPTION:
    case LXB_TAG_FIGURE:
    case LXB_TAG_ADDRESS: return fifth;
    case LXB_TAG_ARTICLE:
      if (fifth && is_nested_article(index)) {
        return true;
      }
      break;
    case LXB_TAG_BODY:
    case LXB_TAG_HTML:
    case LXB_TAG_MAIN:
    case LXB_TAG_TR:
    case LXB_TAG_TD:
    case LXB_TAG_TH:
    case LXB_TAG_TBODY:
    case LXB_TAG_PRE:
    case LXB_TAG_CODE: return false;
    default: break;
  }
  if ((node.flags & kHidden) != 0 && half) {
    return true;
  }
  if ((node.flags & kArticleBody) != 0 || !half || (node.names & kNameArticleBody) != 0) {
    return false;
  }
  return (node.names & kStrong) != 0 || (fifth && (node.names & kWeak) != 0);
}

// Articles in an article are teasers of others, or comments.
bool Rules::is_nested_article(uint32_t index) const {
  for (uint32_t at = page_.nodes[index].parent; at != 0; at = page_.nodes[at].parent) {
    if (page_.nodes[at].tag == LXB_TAG_ARTICLE) {
      return true;
    }
  }
  return false;
}

void Rules::prune(uint32_t root) {
  sum();
  const uint32_t total = std::max<uint32_t>(1, prose(root));
  for (uint32_t i = root + 1; i < page_.nodes[root].end;) {
    const Node& node = page_.nodes[i];
    if (node.tag != LXB_TAG__TEXT && (node.first_run < node.end_run || is_hidden(node)) && is_boilerplate(i, total)) {
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

// The element of that kind with the most prose; of two within each other the inner one, when it has most of
// it.
template <typename Wanted>
uint32_t Rules::largest(const Wanted& wanted) const {
  uint32_t best = 0;
  for (uint32_t i = page_.body + 1; i < page_.nodes[page_.body].end; ++i) {
    const Node& node = page_.nodes[i];
    if ((node.flags & kCut) != 0) {
      i = node.end - 1;
    } else if (node.tag != LXB_TAG__TEXT && wanted(node)) {
      const bool inside = best != 0 && i < page_.nodes[best].end;
      if (best == 0 || (inside ? prose(i) * 10 >= prose(best) * 7 : prose(i) > prose(best))) {
        best = i;
      }
    }
  }
  return best;
}

uint32_t Rules::choose_root() {
  const uint32_t total = prose(page_.body);
  if (total == 0) {
    return page_.body;
  }
  const uint32_t marked = largest([](const Node& node) { return (node.flags & kArticleBody) != 0; });
  if (marked != 0 && prose(marked) * 5 >= total) {
    return descend(marked, 0.95);
  }
  const uint32_t named = largest([](const Node& node) { return (node.names & kNameArticleBody) != 0; });
  if (named != 0 && prose(named) * 4 >= total) {
    return descend(named, 0.95);
  }
  const uint32_t article = largest([](const Node& node) { return node.tag == LXB_TAG_ARTICLE; });
  if (article != 0 && prose(article) * 3 >= total) {
    return descend(article, 0.9);
  }
  return descend(page_.body, 0.85);
}

uint32_t Rules::run() {
  if (page_.runs.empty()) {
    return 0;
  }
  prune(page_.body);
  const uint32_t root = choose_root();
  drop_runs(0, page_.nodes[root].first_run);
  drop_runs(page_.nodes[root].end_run, static_cast<uint32_t>(page_.runs.size()));
  prune(root);
  drop_lines(page_, root);
  return root;
}

}  // namespace

uint32_t choose_main_text(Page& page) { return Rules(page).run(); }

}  // namespace athanor::html
