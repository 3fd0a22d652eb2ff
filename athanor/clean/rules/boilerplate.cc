#include "athanor/clean/rules/boilerplate.h"

#include <algorithm>
#include <array>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/list_file.h"

namespace athanor {

namespace {

constexpr std::array<const char*, Boilerplate::kNumKinds> kNames = {"cookie",  "copyright", "navigation",
                                                                    "sharing", "subscribe", "own"};
// The longest line, in characters, that a phrase of the kind condemns.
constexpr std::array<size_t, Boilerplate::kNumKinds> kLongest = {400, 200, 0, 60, 120, SIZE_MAX};

struct Phrase {
  Boilerplate::Kind kind;
  const char* text;
};
constexpr Phrase kPhrases[] = {
    {Boilerplate::kCookie, "we use cookies"},          {Boilerplate::kCookie, "uses cookies"},
    {Boilerplate::kCookie, "use of cookies"},          {Boilerplate::kCookie, "accept all cookies"},
    {Boilerplate::kCookie, "accept cookies"},          {Boilerplate::kCookie, "reject all cookies"},
    {Boilerplate::kCookie, "cookie policy"},           {Boilerplate::kCookie, "cookie settings"},
    {Boilerplate::kCookie, "cookie preferences"},      {Boilerplate::kCookie, "manage cookies"},
    {Boilerplate::kCookie, "essential cookies"},       {Boilerplate::kCookie, "third-party cookies"},
    {Boilerplate::kCookie, "enable javascript"},       {Boilerplate::kCookie, "javascript is disabled"},
    {Boilerplate::kCookie, "使用cookie"},              {Boilerplate::kCookie, "使用 cookie"},
    {Boilerplate::kCopyright, "all rights reserved"},  {Boilerplate::kCopyright, "terms of use | privacy"},
    {Boilerplate::kCopyright, "terms of service | privacy"}, {Boilerplate::kCopyright, "privacy policy | terms"},
    {Boilerplate::kCopyright, "powered by wordpress"}, {Boilerplate::kCopyright, "proudly powered by"},
    {Boilerplate::kCopyright, "版权所有"},             {Boilerplate::kCopyright, "icp备"},
    {Boilerplate::kCopyright, "公网安备"},             {Boilerplate::kCopyright, "copyright ©"},
    {Boilerplate::kCopyright, "copyright (c)"},
    {Boilerplate::kSharing, "share on facebook"},      {Boilerplate::kSharing, "share on twitter"},
    {Boilerplate::kSharing, "share this post"},        {Boilerplate::kSharing, "share this article"},
    {Boilerplate::kSharing, "share this page"},        {Boilerplate::kSharing, "click to share"},
    {Boilerplate::kSharing, "follow us on"},           {Boilerplate::kSharing, "like us on facebook"},
    {Boilerplate::kSharing, "tweet this"},             {Boilerplate::kSharing, "pin it"},
    {Boilerplate::kSharing, "分享到"},                 {Boilerplate::kSharing, "扫一扫"},
    {Boilerplate::kSharing, "分享至"},                 {Boilerplate::kSharing, "微信扫码"},
    {Boilerplate::kSubscribe, "sign up for our newsletter"}, {Boilerplate::kSubscribe, "subscribe to our newsletter"},
    {Boilerplate::kSubscribe, "enter your email"},     {Boilerplate::kSubscribe, "leave a comment"},
    {Boilerplate::kSubscribe, "leave a reply"},        {Boilerplate::kSubscribe, "your email address will not be published"},
    {Boilerplate::kSubscribe, "required fields are marked"}, {Boilerplate::kSubscribe, "log in to comment"},
    {Boilerplate::kSubscribe, "add to cart"},          {Boilerplate::kSubscribe, "点击关注"},
    {Boilerplate::kSubscribe, "关注公众号"},           {Boilerplate::kSubscribe, "长按识别"},
    {Boilerplate::kSubscribe, "转载请注明"},           {Boilerplate::kSubscribe, "发表评论"},
};

// Lines that are nothing else.
const std::set<std::string, std::less<>>& whole_lines(Boilerplate::Kind kind) {
  static const std::set<std::string, std::less<>> kNavigation = {
      "home", "menu", "main menu", "toggle navigation", "navigation", "search", "login", "log in", "sign in", "sign up",
      "register", "logout", "log out", "my account", "about", "about us", "contact", "contact us", "faq", "help",
      "sitemap", "site map", "next", "previous", "prev", "next page", "previous page", "next post", "previous post",
      "older posts", "newer posts", "back", "back to top", "top", "skip to content", "skip to main content",
      "skip navigation", "read more", "continue reading", "learn more", "click here", "see more", "show more",
      "view all", "load more", "more", "close", "submit", "cancel", "reset", "print", "privacy policy", "terms of use",
      "terms of service", "terms and conditions", "terms & conditions", "advertisement", "sponsored", "categories",
      "tags", "archives", "recent posts", "related posts", "related articles", "you may also like", "comments",
      "首页", "上一篇", "下一篇", "上一页", "下一页", "返回", "返回首页", "返回顶部", "登录", "注册", "登录 | 注册",
      "搜索", "菜单", "导航", "更多", "查看更多", "阅读更多", "阅读全文", "点击查看", "关于我们", "联系我们", "网站地图",
      "友情链接", "相关阅读", "相关文章", "相关推荐", "猜你喜欢", "热门文章", "最新文章", "广告", "关闭", "打印", "收藏",
      "评论", "网友评论", "加入收藏", "设为首页", "末页", "尾页"};
  static const std::set<std::string, std::less<>> kSharing = {
      "share", "share this", "tweet", "facebook", "twitter", "linkedin", "pinterest", "reddit", "whatsapp", "email",
      "instagram", "youtube", "telegram", "share this:", "like this", "like this:", "like loading", "分享", "微博",
      "微信", "朋友圈", "qq空间", "新浪微博", "点赞", "转发"};
  static const std::set<std::string, std::less<>> kNothing;
  return kind == Boilerplate::kNavigation ? kNavigation : kind == Boilerplate::kSharing ? kSharing : kNothing;
}

// Without punctuation, symbols and white space at both ends.
std::string_view core_of(std::string_view line) {
  const char* begin = nullptr;
  const char* last = nullptr;
  const char* p = line.data();
  const char* const end = p + line.size();
  while (p != end) {
    const char* const start = p;
    const char32_t code = decode_utf8(p, end);
    if (is_letter(code) || is_number(code) || is_mark(code)) {
      begin = begin == nullptr ? start : begin;
      last = p;
    }
  }
  return begin == nullptr ? std::string_view() : std::string_view(begin, static_cast<size_t>(last - begin));
}

}  // namespace

Boilerplate::Boilerplate(const nlohmann::json& options)
    : remove_lines_(options.at("remove_lines")), max_share_(options.at("max_share")) {
  const std::vector<std::string> names(kNames.begin(), kNames.end());
  for (const std::string kind : options.at("kinds")) {
    const auto found = std::find(names.begin(), names.end(), kind);
    if (found == names.end()) {
      throw Error(ErrorKind::kUsage, "boilerplate has no kind '" + kind + "'", "", did_you_mean(kind, names));
    }
    kinds_ |= 1u << (found - names.begin());
  }
  for (const Phrase& phrase : kPhrases) {
    if ((kinds_ >> phrase.kind & 1) != 0) {
      phrases_.emplace_back(phrase.text);
      phrase_kinds_.push_back(phrase.kind);
    }
  }
  for (const std::string& phrase : read_lists(options, "phrases", "files")) {
    phrases_.push_back(lower_text(phrase));
    phrase_kinds_.push_back(kOwn);
  }
  automaton_ = std::make_unique<AhoCorasick>(phrases_);
}

std::vector<StepOption> Boilerplate::options() {
  return {{"kinds", {"cookie", "copyright", "navigation", "sharing", "subscribe"}, "the kinds of lines looked for"},
          {"phrases", nlohmann::json::array(), "own phrases: a line that holds one is taken out"},
          file_option("files", nlohmann::json::array(), "files of more of them, one a line"),
          {"remove_lines", true, "false: leave the text, take the numbers only"},
          threshold("max_share", 1.0, "larger share of the characters in such lines: dropped", 0, 1)};
}

std::vector<StepMetric> Boilerplate::metrics() {
  return {{"lines", "lines found"},
          {"share", "characters in them / characters"},
          {"cookie", "lines about cookies and scripts"},
          {"copyright", "lines of rights and registration"},
          {"navigation", "lines of navigation"},
          {"sharing", "lines of sharing buttons"},
          {"subscribe", "lines that ask for subscriptions and comments"},
          {"own", "lines with an own phrase"}};
}

Boilerplate::Kind Boilerplate::kind_of(std::string_view line, size_t num_chars) const {
  Kind found = kNumKinds;
  automaton_->find(line, [&](size_t, size_t, uint32_t phrase) {
    const Kind kind = phrase_kinds_[phrase];
    if (num_chars <= kLongest[kind]) {
      found = kind;
    }
    return found == kNumKinds;
  });
  if (found != kNumKinds || num_chars > 200) {
    return found;
  }
  if ((kinds_ >> kCopyright & 1) != 0 && (line.starts_with("©") || line.starts_with("(c) "))) {
    return kCopyright;
  }
  const std::string_view core = num_chars <= 40 ? core_of(line) : std::string_view();
  for (const Kind kind : {kNavigation, kSharing}) {
    if (!core.empty() && (kinds_ >> kind & 1) != 0 && whole_lines(kind).contains(core)) {
      return kind;
    }
  }
  return kNumKinds;
}

void Boilerplate::measure(DocumentView& document, Measures& out) const {
  std::array<size_t, kNumKinds> counts{};
  size_t lines = 0;
  size_t chars = 0;
  std::string kept;
  const size_t num_chars = document.analysis().chars().all;
  const std::vector<TextLine>& all = document.analysis().lines();
  for (size_t i = 0; i < all.size(); ++i) {
    const Kind kind = all[i].blank ? kNumKinds : kind_of(lower_text(trim(all[i].text)), all[i].num_chars);
    if (kind != kNumKinds) {
      ++counts[kind];
      ++lines;
      chars += all[i].num_chars;
    } else if (remove_lines_) {
      kept.append(all[i].text);
      kept.append(i + 1 < all.size() ? "\n" : "");
    }
  }
  out.add(lines);
  out.add(ratio(chars, num_chars));
  for (const size_t count : counts) {
    out.add(count);
  }
  if (remove_lines_ && lines > 0) {
    document.set_text(std::move(kept));
  }
}

Verdict Boilerplate::decide(const Measures& measures) const {
  const double share = measures.numbers.at(1);
  return share > max_share_ ? Verdict{false, "boilerplate", share} : Verdict{};
}

}  // namespace athanor
