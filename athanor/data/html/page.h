// A page as the rules see it: lexbor's tree laid out flat in document order, without what is never text
// (scripts, styles, forms' fields), and its text as runs. Private to this folder.
//
// A run is text that no block boundary parts: what a reader sees as one paragraph, list item, cell or
// heading. The runs of an element are a contiguous range, so that sums over any subtree are two look-ups in
// an array of prefix sums. Lengths are bytes of UTF-8 without white space: an English word has about five, a
// Chinese word of two characters six, so that the same thresholds serve both.
#pragma once

#include <lexbor/dom/dom.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace athanor::html {

enum NodeFlag : uint16_t {
  kBlock = 1 << 0,
  kHidden = 1 << 1,       // hidden, aria-hidden, display:none
  kLink = 1 << 2,         // <a href> or inside one
  kHeading = 1 << 3,      // <h1> to <h6>, or inside one
  kPre = 1 << 4,          // white space counts
  kArticleBody = 1 << 5,  // itemprop="articleBody" and its like
  kCut = 1 << 6,          // by a rule; set on the root of what is cut only
  kInlineCut = 1 << 7,    // on a text: cut, though its run stays
};

struct Node {
  lxb_dom_node_t* dom;
  uint32_t parent;
  uint32_t end;        // one behind its last descendant
  uint32_t names;      // bits of names.h
  uint32_t first_run;  // its runs are [first_run, end_run)
  uint32_t end_run;
  uint16_t tag;  // LXB_TAG_...; LXB_TAG__TEXT for text; of unknown elements LXB_TAG__UNDEF
  uint16_t flags;
};

enum RunFlag : uint8_t {
  kRunDropped = 1 << 0,
  kRunSentence = 1 << 1,  // ends as a sentence does
  kRunHeading = 1 << 2,
};

struct Run {
  uint32_t first;  // first and last text node
  uint32_t last;
  uint32_t block;  // the element whose text it is
  uint32_t bytes;
  uint32_t link_bytes;
  uint16_t stops;  // commas, full stops and the like
  uint8_t flags;
};

struct Page {
  std::vector<Node> nodes;  // nodes[0] is <html>
  std::vector<Run> runs;
  std::vector<lxb_dom_node_t*>
      head;  // <meta>, <link>, <title>, <base> and scripts of linked data, wherever they stand
  uint32_t body = 0;

  void build(lxb_dom_node_t* document);
  bool is_dropped(const Run& run) const { return (run.flags & kRunDropped) != 0; }
  bool is_within(uint32_t node, uint32_t root) const { return node >= root && node < nodes[root].end; }
};

// Value of an attribute, "" when the element has none.
std::string_view attribute(const lxb_dom_node_t* element, std::string_view name);
std::string_view text_of(const lxb_dom_node_t* text);
bool is_heading(uint16_t tag);

}  // namespace athanor::html
