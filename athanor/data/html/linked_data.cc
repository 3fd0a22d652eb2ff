#include "athanor/data/html/linked_data.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "athanor/base/unicode.h"
#include "athanor/data/html/date.h"
#include "athanor/data/html/render.h"

namespace athanor::html {

namespace {

constexpr size_t kMaxField = 1000;                    // bytes of a title or description
constexpr size_t kMaxLinkedData = size_t{256} << 10;  // bytes of one script
constexpr int kMaxDepth = 6;                          // of objects that are looked into

using Json = nlohmann::json;

std::string without_references(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text[at] == '&' ? text.substr(at, 10).find(';') : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text[at++];
      continue;
    }
    const std::string_view name = text.substr(at + 1, end - 1);
    uint32_t code = 0;
    if (name.starts_with("#x") || name.starts_with("#X")) {
      std::from_chars(name.data() + 2, name.data() + name.size(), code, 16);
    } else if (name.starts_with("#")) {
      std::from_chars(name.data() + 1, name.data() + name.size(), code);
    } else {
      code = name == "amp"    ? '&'
             : name == "quot" ? '"'
             : name == "apos" ? 39
             : name == "lt"   ? '<'
             : name == "gt"   ? '>'
             : name == "nbsp" ? ' '
                              : 0;
    }
    if (code >= ' ' && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF)) {
      append_utf8(out, code);
      at += end + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

// Linked data should hold plain text; many pages write HTML's character references into it.
std::string text_in(const Json& value) {
  return value.is_string() ? line(without_references(value.get_ref<const std::string&>())) : "";
}

// Names of one author or several, whatever shape they have.
std::string names_of_people(const Json& value, int depth = 0) {
  if (value.is_string()) {
    return text_in(value);
  }
  if (value.is_object()) {
    return value.contains("name") && depth < kMaxDepth ? names_of_people(value["name"], depth + 1) : "";
  }
  std::string all;
  if (value.is_array() && depth < kMaxDepth) {
    for (size_t i = 0; i < std::min<size_t>(value.size(), 10); ++i) {
      const std::string one = names_of_people(value[i], depth + 1);
      if (!one.empty()) {
        all += (all.empty() ? "" : ", ") + one;
      }
    }
  }
  return all;
}

bool is_article(const Json& object) {
  const auto type = object.find("@type");
  if (type == object.end()) {
    return false;
  }
  const auto fits = [](const Json& one) {
    if (!one.is_string()) {
      return false;
    }
    const std::string& name = one.get_ref<const std::string&>();
    return name.ends_with("Article") || name.ends_with("Posting") || name == "Report" || name == "Review" ||
           name == "Recipe" || name == "ClaimReview";
  };
  return type->is_array() ? std::any_of(type->begin(), type->end(), fits) : fits(*type);
}

void read_object(const Json& value, HtmlPage& out, int depth) {
  if (depth > kMaxDepth) {
    return;
  }
  if (value.is_array()) {
    for (size_t i = 0; i < std::min<size_t>(value.size(), 100); ++i) {
      read_object(value[i], out, depth + 1);
    }
    return;
  }
  if (!value.is_object()) {
    return;
  }
  if (is_article(value)) {
    const auto take = [&](std::string& field, const char* key) {
      if (field.empty() && value.contains(key)) {
        field = text_in(value[key]);
      }
    };
    take(out.title, "headline");
    take(out.description, "description");
    take(out.language, "inLanguage");
    if (out.author.empty() && value.contains("author")) {
      out.author = names_of_people(value["author"]);
    }
    for (const char* key : {"datePublished", "dateCreated"}) {
      if (out.date.empty() && value.contains(key)) {
        out.date = parse_date(text_in(value[key]));
      }
    }
  }
  for (const char* key : {"@graph", "mainEntity", "mainEntityOfPage"}) {
    if (value.contains(key)) {
      read_object(value[key], out, depth + 1);
    }
  }
}

}  // namespace

std::string line(std::string_view text) {
  std::string out;
  append_collapsed(text.substr(0, 4 * kMaxField), out);
  while (!out.empty() && out.back() == ' ') {
    out.pop_back();
  }
  return std::string(utf8_prefix(out, kMaxField));
}

std::string inner_text(const lxb_dom_node_t* element) {
  std::string out;
  for (const lxb_dom_node_t* child = element->first_child; child != nullptr; child = child->next) {
    if (child->type == LXB_DOM_NODE_TYPE_TEXT) {
      out += text_of(child);
    }
  }
  return out;
}

void read_linked_data(const Page& page, HtmlPage& out) {
  for (const lxb_dom_node_t* element : page.head) {
    if (element->local_name != LXB_TAG_SCRIPT) {
      continue;
    }
    const std::string text = inner_text(element);
    if (text.size() <= kMaxLinkedData) {
      const Json data = Json::parse(text, nullptr, false, true);
      if (!data.is_discarded()) {
        read_object(data, out, 0);
      }
    }
  }
}

}  // namespace athanor::html
