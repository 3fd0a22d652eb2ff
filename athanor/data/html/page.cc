#include "athanor/data/html/page.h"

#include <algorithm>

#include "athanor/data/html/names.h"

namespace athanor::html {

namespace {

enum class Kind : uint8_t { kInline, kBlock, kSkip };

Kind kind_of(uint16_t tag) {
  switch (tag) {
    case LXB_TAG_SCRIPT: case LXB_TAG_STYLE: case LXB_TAG_NOSCRIPT: case LXB_TAG_TEMPLATE: case LXB_TAG_SVG:
    case LXB_TAG_IFRAME: case LXB_TAG_CANVAS: case LXB_TAG_AUDIO: case LXB_TAG_VIDEO:
    case LXB_TAG_OBJECT: case LXB_TAG_SELECT: case LXB_TAG_BUTTON: case LXB_TAG_TEXTAREA: case LXB_TAG_INPUT:
    case LXB_TAG_DATALIST: case LXB_TAG_EMBED: case LXB_TAG_APPLET: case LXB_TAG_NOEMBED: case LXB_TAG_NOFRAMES:
    case LXB_TAG_RP: case LXB_TAG_RT: case LXB_TAG_LINK: case LXB_TAG_META: case LXB_TAG_TITLE: case LXB_TAG_BASE: case LXB_TAG_DIALOG:
      return Kind::kSkip;
    case LXB_TAG_ADDRESS: case LXB_TAG_ARTICLE: case LXB_TAG_ASIDE: case LXB_TAG_BLOCKQUOTE: case LXB_TAG_BODY:
    case LXB_TAG_CAPTION: case LXB_TAG_CENTER: case LXB_TAG_DD: case LXB_TAG_DETAILS: case LXB_TAG_DIV: case LXB_TAG_DL:
    case LXB_TAG_DT: case LXB_TAG_FIELDSET: case LXB_TAG_FIGCAPTION: case LXB_TAG_FIGURE: case LXB_TAG_FOOTER:
    case LXB_TAG_FORM: case LXB_TAG_H1: case LXB_TAG_H2: case LXB_TAG_H3: case LXB_TAG_H4: case LXB_TAG_H5:
    case LXB_TAG_H6: case LXB_TAG_HEAD: case LXB_TAG_HEADER: case LXB_TAG_HGROUP: case LXB_TAG_HR: case LXB_TAG_HTML: case LXB_TAG_LEGEND:
    case LXB_TAG_LI: case LXB_TAG_MAIN: case LXB_TAG_MENU: case LXB_TAG_NAV: case LXB_TAG_OL: case LXB_TAG_P:
    case LXB_TAG_PRE: case LXB_TAG_SECTION: case LXB_TAG_SUMMARY: case LXB_TAG_TABLE: case LXB_TAG_TBODY:
    case LXB_TAG_TD: case LXB_TAG_TFOOT: case LXB_TAG_TH: case LXB_TAG_THEAD: case LXB_TAG_TR: case LXB_TAG_UL:
    case LXB_TAG_LISTING: case LXB_TAG_XMP: case LXB_TAG_PLAINTEXT: case LXB_TAG_DIR: case LXB_TAG_MARQUEE:
      return Kind::kBlock;
    default:
      return Kind::kInline;
  }
}

std::string_view view(const lexbor_str_t& text) { return {reinterpret_cast<const char*>(text.data), text.length}; }

bool hides(std::string_view style) {
  for (const std::string_view property : {"display", "visibility"}) {
    size_t at = style.find(property);
    if (at == std::string_view::npos) {
      continue;
    }
    at = style.find_first_not_of(" \t\r\n:", at + property.size());
    if (at != std::string_view::npos) {
      const std::string_view value = style.substr(at);
      if (value.starts_with("none") || value.starts_with("hidden")) {
        return true;
      }
    }
  }
  return false;
}

uint32_t names_of_role(std::string_view role) {
  if (role == "navigation" || role == "menu" || role == "menubar" || role == "toolbar") {
    return kNameNavigation;
  }
  if (role == "complementary") {
    return kNameSide;
  }
  if (role == "banner") {
    return kNameHeader;
  }
  if (role == "contentinfo") {
    return kNameFooter;
  }
  return role == "search" || role == "dialog" || role == "alertdialog" || role == "alert" ? kNameForm : 0u;
}

// One pass over the attributes of an element.
void read_attributes(const lxb_dom_node_t* dom, Node& node) {
  const auto* element = reinterpret_cast<const lxb_dom_element_t*>(dom);
  for (const lxb_dom_attr_t* one = element->first_attr; one != nullptr; one = one->next) {
    const std::string_view value = one->value == nullptr ? std::string_view() : view(*one->value);
    size_t length = 0;
    switch (one->node.local_name) {
      case LXB_DOM_ATTR_CLASS:
      case LXB_DOM_ATTR_ID:
        node.names |= names_in(value);
        continue;
      case LXB_DOM_ATTR_STYLE:
        if (hides(value)) {
          node.flags |= kHidden;
        }
        continue;
      case LXB_DOM_ATTR_HREF:
        if (node.tag == LXB_TAG_A) {
          node.flags |= kLink;
        }
        continue;
      default:
        break;
    }
    if (one->node.local_name < LXB_DOM_ATTR__LAST_ENTRY) {
      continue;
    }
    const lxb_char_t* text = lxb_dom_attr_local_name(const_cast<lxb_dom_attr_t*>(one), &length);
    const std::string_view name(reinterpret_cast<const char*>(text), length);
    if (name == "itemprop") {
      if (value == "articleBody" || value == "reviewBody" || value == "blogPost") {
        node.flags |= value == "blogPost" ? 0 : kArticleBody;
      } else if (value == "author" || value == "datePublished" || value == "dateModified" || value == "keywords") {
        node.names |= kNameMeta;
      } else if (value == "comment") {
        node.names |= kNameComment;
      }
    } else if (name == "role") {
      node.names |= names_of_role(value);
    } else if (name == "hidden") {
      node.flags |= kHidden;
    } else if (name == "aria-hidden") {
      if (value == "true") {
        node.flags |= kHidden;
      }
    } else if (name == "data-testid" || name == "data-component") {
      node.names |= names_in(value);
    }
  }
}

// Bytes that are not white space, and marks of sentences among them.
void measure(std::string_view text, uint32_t& bytes, uint32_t& stops) {
  uint32_t count = 0;
  uint32_t marks = 0;
  uint32_t high = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    count += byte > ' ';
    marks += c == '.' || c == ',' || c == '!' || c == '?' || c == ';';
    high += byte >= 0xE3;
  }
  if (high > 0) {
    for (size_t i = 0; i + 2 < text.size(); ++i) {
      const auto* at = reinterpret_cast<const unsigned char*>(text.data()) + i;
      if (at[0] == 0xE3) {
        marks += at[1] == 0x80 && (at[2] == 0x81 || at[2] == 0x82);  // ideographic comma and full stop
      } else if (at[0] == 0xEF) {
        marks += at[1] == 0xBC && (at[2] == 0x81 || at[2] == 0x8C || at[2] == 0x9B || at[2] == 0x9F);
      }
    }
  }
  bytes = count;
  stops = marks;
}

bool ends_sentence(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') {
    text.remove_suffix(1);
  }
  for (const std::string_view close : {"\"", "'", ")", "]", "\xE2\x80\x9D", "\xE2\x80\x99", "\xE3\x80\x8D", "\xC2\xBB"}) {
    if (text.ends_with(close)) {
      text.remove_suffix(close.size());
      break;
    }
  }
  for (const std::string_view stop : {".", "!", "?", "\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F", "\xE2\x80\xA6"}) {
    if (text.ends_with(stop)) {
      return true;
    }
  }
  return false;
}

bool tells_about_page(const lxb_dom_node_t* dom, uint16_t tag) {
  return tag == LXB_TAG_META || tag == LXB_TAG_LINK || tag == LXB_TAG_BASE || (tag == LXB_TAG_TITLE && dom->ns == LXB_NS_HTML) ||
         (tag == LXB_TAG_SCRIPT && attribute(dom, "type").starts_with("application/ld+json"));
}

class Builder {
 public:
  explicit Builder(Page& page) : page_(page) {}
  void walk(lxb_dom_node_t* document);

 private:
  bool enter(lxb_dom_node_t* dom);  // true when its children are to be walked
  void leave();
  void add_text(lxb_dom_node_t* dom);
  void end_run();

  Page& page_;
  std::vector<uint32_t> open_;
  Run run_{};
  bool in_run_ = false;
  size_t breaks_ = 0;
};

void Builder::end_run() {
  if (!in_run_) {
    return;
  }
  in_run_ = false;
  if (run_.bytes == 0) {
    return;
  }
  if (ends_sentence(text_of(page_.nodes[run_.last].dom))) {
    run_.flags |= kRunSentence;
  }
  // The block: the innermost block element around its first text.
  uint32_t block = page_.nodes[run_.first].parent;
  while (block != 0 && (page_.nodes[block].flags & kBlock) == 0) {
    block = page_.nodes[block].parent;
  }
  run_.block = block;
  if ((page_.nodes[block].flags & kHeading) != 0) {
    run_.flags |= kRunHeading;
  }
  page_.runs.push_back(run_);
}

void Builder::add_text(lxb_dom_node_t* dom) {
  uint32_t bytes = 0;
  uint32_t stops = 0;
  measure(text_of(dom), bytes, stops);
  if (bytes == 0 && !in_run_) {
    return;
  }
  const uint32_t parent = open_.back();
  const auto index = static_cast<uint32_t>(page_.nodes.size());
  const uint16_t inherited = page_.nodes[parent].flags & (kLink | kPre | kHeading);
  const auto run_index = static_cast<uint32_t>(page_.runs.size());
  page_.nodes.push_back({dom, parent, index + 1, 0, run_index, run_index, LXB_TAG__TEXT, inherited});
  if (bytes == 0) {
    return;
  }
  breaks_ = 0;
  if (!in_run_) {
    run_ = Run{index, index, 0, 0, 0, 0, 0};
    in_run_ = true;
  }
  run_.last = index;
  run_.bytes += bytes;
  run_.stops = static_cast<uint16_t>(std::min<uint32_t>(60000, run_.stops + stops));
  if ((inherited & kLink) != 0) {
    run_.link_bytes += bytes;
  }
}

bool Builder::enter(lxb_dom_node_t* dom) {
  if (dom->type == LXB_DOM_NODE_TYPE_TEXT) {
    add_text(dom);
    return false;
  }
  if (dom->type != LXB_DOM_NODE_TYPE_ELEMENT) {
    return false;
  }
  const auto tag = static_cast<uint16_t>(dom->local_name < LXB_TAG__LAST_ENTRY ? dom->local_name : uintptr_t{0});
  const Kind kind = kind_of(tag);
  if (kind == Kind::kSkip) {
    if (tells_about_page(dom, tag)) {
      page_.head.push_back(dom);
    }
    return false;
  }
  if (kind == Kind::kBlock) {
    end_run();
  }
  const auto index = static_cast<uint32_t>(page_.nodes.size());
  const uint32_t parent = open_.empty() ? 0 : open_.back();
  Node node{dom, parent, index + 1, 0, static_cast<uint32_t>(page_.runs.size()), 0, tag, 0};
  if (!open_.empty()) {
    node.flags = page_.nodes[parent].flags & (kLink | kPre | kHeading);
  }
  read_attributes(dom, node);
  if (kind == Kind::kBlock) {
    node.flags |= kBlock;
  }
  if (is_heading(tag)) {
    node.flags |= kHeading;
  }
  if (tag == LXB_TAG_PRE || tag == LXB_TAG_LISTING || tag == LXB_TAG_XMP || tag == LXB_TAG_PLAINTEXT) {
    node.flags |= kPre;
  }
  if (tag == LXB_TAG_BODY && page_.body == 0) {
    page_.body = index;
  }
  page_.nodes.push_back(node);
  open_.push_back(index);
  if (tag == LXB_TAG_BR && ++breaks_ >= 2) {
    end_run();
  }
  return true;
}

void Builder::leave() {
  const uint32_t index = open_.back();
  open_.pop_back();
  Node& node = page_.nodes[index];
  if ((node.flags & kBlock) != 0) {
    end_run();
  }
  node.end = static_cast<uint32_t>(page_.nodes.size());
}

void Builder::walk(lxb_dom_node_t* document) {
  lxb_dom_node_t* root = document->first_child;
  while (root != nullptr && root->type != LXB_DOM_NODE_TYPE_ELEMENT) {
    root = root->next;
  }
  for (lxb_dom_node_t* at = root; at != nullptr;) {
    if (enter(at)) {
      if (at->first_child != nullptr) {
        at = at->first_child;
        continue;
      }
      leave();
    }
    while (at != root && at->next == nullptr) {
      at = at->parent;
      leave();
    }
    at = at == root ? nullptr : at->next;
  }
  end_run();
}

}  // namespace

std::string_view attribute(const lxb_dom_node_t* dom, std::string_view wanted) {
  const auto* element = reinterpret_cast<const lxb_dom_element_t*>(dom);
  for (lxb_dom_attr_t* one = element->first_attr; one != nullptr; one = one->next) {
    size_t length = 0;
    const lxb_char_t* name = lxb_dom_attr_local_name(one, &length);
    if (std::string_view(reinterpret_cast<const char*>(name), length) == wanted && one->value != nullptr) {
      return view(*one->value);
    }
  }
  return {};
}

std::string_view text_of(const lxb_dom_node_t* text) {
  return view(reinterpret_cast<const lxb_dom_character_data_t*>(text)->data);
}

bool is_heading(uint16_t tag) { return tag >= LXB_TAG_H1 && tag <= LXB_TAG_H6; }

void Page::build(lxb_dom_node_t* document) {
  nodes.clear();
  runs.clear();
  head.clear();
  body = 0;
  Builder(*this).walk(document);
  // An element's runs are those that begin in it.
  uint32_t run = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    while (run < runs.size() && runs[run].first < i) {
      ++run;
    }
    nodes[i].first_run = run;
  }
  for (Node& node : nodes) {
    node.end_run = node.end < nodes.size() ? nodes[node.end].first_run : static_cast<uint32_t>(runs.size());
  }
}

}  // namespace athanor::html
