#include "athanor/data/html/render.h"

#include <algorithm>

namespace athanor::html {

namespace {

bool is_blank(char c) { return static_cast<unsigned char>(c) <= ' '; }

// Nearest list item, cell or table row around a node, below `top`.
uint32_t enclosing(const Page& page, uint32_t node, bool (*wanted)(uint16_t)) {
  for (uint32_t at = node, up = 0; at != 0 && up < 8; at = page.nodes[at].parent, ++up) {
    if (wanted(page.nodes[at].tag)) {
      return at;
    }
  }
  return 0;
}

bool is_row(uint16_t tag) { return tag == LXB_TAG_TR; }
bool is_item(uint16_t tag) { return tag == LXB_TAG_LI; }
bool is_table(uint16_t tag) { return tag == LXB_TAG_TABLE; }
bool is_list(uint16_t tag) { return tag == LXB_TAG_UL || tag == LXB_TAG_OL; }

void trim_end(std::string& out, size_t from) {
  while (out.size() > from && is_blank(out.back())) {
    out.pop_back();
  }
}

void append_run(const Page& page, const Run& run, std::string& out) {
  const size_t start = out.size();
  for (uint32_t i = run.first; i <= run.last; ++i) {
    const Node& node = page.nodes[i];
    if ((node.flags & kInlineCut) != 0) {
      // nothing of it
    } else if (node.tag == LXB_TAG_BR) {
      trim_end(out, start);
      if (out.size() > start) {
        out += '\n';
      }
    } else if (node.tag == LXB_TAG__TEXT) {
      if ((node.flags & kPre) != 0) {
        out += text_of(node.dom);
      } else {
        append_collapsed(text_of(node.dom), out);
      }
    }
  }
  trim_end(out, start);
}

// What stands between two runs that follow each other.
std::string_view separator(const Page& page, const Run& before, const Run& after) {
  const uint32_t row = enclosing(page, after.block, &is_row);
  if (row != 0) {
    if (enclosing(page, before.block, &is_row) == row) {
      return "\t";
    }
    const uint32_t table = enclosing(page, after.block, &is_table);
    return table != 0 && table == enclosing(page, before.block, &is_table) ? "\n" : "\n\n";
  }
  const uint32_t item = enclosing(page, after.block, &is_item);
  if (item != 0) {
    const uint32_t list = enclosing(page, item, &is_list);
    const uint32_t other = enclosing(page, before.block, &is_item);
    return other != 0 && (other == item || enclosing(page, other, &is_list) == list) ? "\n" : "\n\n";
  }
  return "\n\n";
}

}  // namespace

void append_collapsed(std::string_view text, std::string& out) {
  size_t at = 0;
  while (at < text.size()) {
    if (is_blank(text[at]) || text.substr(at, 2) == "\xC2\xA0") {
      at += is_blank(text[at]) ? 1 : 2;
      if (!out.empty() && !is_blank(out.back())) {
        out += ' ';
      }
      continue;
    }
    size_t end = at + 1;
    while (end < text.size() && !is_blank(text[end]) && text[end] != '\xC2') {
      ++end;
    }
    out.append(text.substr(at, end - at));
    at = end;
  }
}

void render(const Page& page, std::string& out) {
  out.clear();
  const Run* before = nullptr;
  uint32_t item_before = 0;
  for (const Run& run : page.runs) {
    if (page.is_dropped(run)) {
      continue;
    }
    const size_t start = out.size();
    if (before != nullptr) {
      out += separator(page, *before, run);
    }
    const uint32_t item = enclosing(page, run.block, &is_item);
    if (item != 0 && item != item_before) {
      out += "- ";
    }
    const size_t text = out.size();
    append_run(page, run, out);
    if (out.size() == text) {
      out.resize(start);
      continue;
    }
    item_before = item;
    before = &run;
  }
}

void render_line(const Page& page, uint32_t node, std::string& out) {
  for (uint32_t i = node; i < page.nodes[node].end; ++i) {
    if (page.nodes[i].tag == LXB_TAG__TEXT) {
      append_collapsed(text_of(page.nodes[i].dom), out);
    } else if ((page.nodes[i].flags & kBlock) != 0 || page.nodes[i].tag == LXB_TAG_BR) {
      append_collapsed(" ", out);
    }
  }
  trim_end(out, 0);
}

}  // namespace athanor::html
