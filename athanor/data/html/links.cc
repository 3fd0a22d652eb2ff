#include "athanor/data/html/links.h"

#include <algorithm>
#include <unordered_set>

namespace athanor::html {

namespace {

constexpr size_t kMaxUrl = 4096;
constexpr size_t kMaxLinks = 20000;

struct Url {
  std::string_view scheme;     // without its colon
  std::string_view authority;  // with its slashes; empty when there is none
  std::string_view path;
  std::string_view query;  // with its question mark
};

bool is_scheme(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
  });
}

Url split(std::string_view text) {
  Url url;
  text = text.substr(0, text.find('#'));
  const size_t colon = text.find_first_of(":/?");
  if (colon != std::string_view::npos && text[colon] == ':' && is_scheme(text.substr(0, colon))) {
    url.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    const size_t end = text.find_first_of("/?", 2);
    url.authority = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end);
  }
  const size_t query = text.find('?');
  url.path = text.substr(0, query);
  url.query = query == std::string_view::npos ? std::string_view() : text.substr(query);
  return url;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// RFC 3986, 5.2.4.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> parts;
  bool folder = false;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    folder = part == "." || part == "..";
    if (part == "..") {
      if (parts.size() > 1) {
        parts.pop_back();
      }
    } else if (part != ".") {
      parts.push_back(part);
    }
    at = end + 1;
  }
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    out += i == 0 ? "" : "/";
    out += parts[i];
  }
  if (folder && !out.ends_with('/')) {
    out += '/';
  }
  return out.starts_with('/') ? out : "/" + out;
}

}  // namespace

std::string resolve_url(std::string_view base, std::string_view reference) {
  std::string clean;
  for (const char c : reference.substr(0, kMaxUrl)) {
    if (c != '\t' && c != '\n' && c != '\r') {
      clean += c;
    }
  }
  const size_t from = clean.find_first_not_of(' ');
  const size_t to = clean.find_last_not_of(' ');
  if (from == std::string::npos || reference.size() > kMaxUrl || clean[from] == '#') {
    return "";
  }
  clean = clean.substr(from, to + 1 - from);
  const Url own = split(clean);
  const Url from_base = split(base.substr(0, kMaxUrl));
  const std::string scheme = lower(own.scheme.empty() ? from_base.scheme : own.scheme);
  if (scheme != "http" && scheme != "https") {
    return "";
  }
  const std::string_view authority =
      own.authority.empty() && own.scheme.empty() ? from_base.authority : own.authority;
  if (authority.size() <= 2) {
    return "";
  }
  std::string path(own.path);
  std::string_view query = own.query;
  if (own.scheme.empty() && own.authority.empty()) {
    if (path.empty()) {
      path = from_base.path;
      query = own.query.empty() ? from_base.query : own.query;
    } else if (path.front() != '/') {
      path = std::string(from_base.path.substr(0, from_base.path.rfind('/') + 1)) + path;
    }
  }
  std::string out = scheme + ":" + lower(authority) + without_dots(path);
  for (const char c : query) {
    out += c;
  }
  for (size_t at = out.find(' '); at != std::string::npos; at = out.find(' ', at)) {
    out.replace(at, 1, "%20");
  }
  return out;
}

std::vector<std::string> links_of(const Page& page, std::string_view base) {
  std::vector<std::string> links;
  std::unordered_set<std::string> seen;
  for (const Node& node : page.nodes) {
    if (node.tag != LXB_TAG_A || links.size() >= kMaxLinks) {
      continue;
    }
    std::string url = resolve_url(base, attribute(node.dom, "href"));
    if (!url.empty() && seen.insert(url).second) {
      links.push_back(std::move(url));
    }
  }
  return links;
}

}  // namespace athanor::html
