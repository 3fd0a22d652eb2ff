#include "athanor/data/html/names.h"

#include <array>
#include <cstddef>

namespace athanor::html {

namespace {

struct Word {
  std::string_view text;
  uint32_t bits;
};

constexpr Word kWords[] = {
    {"comment", kNameComment}, {"comments", kNameComment}, {"commentlist", kNameComment},
    {"disqus", kNameComment}, {"respond", kNameComment}, {"replies", kNameComment},
    {"livefyre", kNameComment}, {"coral", kNameComment}, {"discussion", kNameComment},
    {"related", kNameRelated}, {"recommended", kNameRelated}, {"recommendation", kNameRelated},
    {"recommendations", kNameRelated}, {"recirc", kNameRelated}, {"recirculation", kNameRelated},
    {"outbrain", kNameRelated}, {"taboola", kNameRelated}, {"zergnet", kNameRelated}, {"trending", kNameRelated},
    {"popular", kNameRelated}, {"mostread", kNameRelated}, {"similar", kNameRelated}, {"readmore", kNameRelated},
    {"relatedlinks", kNameRelated}, {"relatedposts", kNameRelated}, {"relatedarticles", kNameRelated},
    {"yarpp", kNameRelated}, {"upnext", kNameRelated}, {"seealso", kNameRelated},
    {"latest", kNameRelated}, {"recent", kNameRelated}, {"suggested", kNameRelated}, {"suggestions", kNameRelated},
    {"share", kNameShare}, {"sharing", kNameShare}, {"shares", kNameShare}, {"social", kNameShare},
    {"sharedaddy", kNameShare}, {"addthis", kNameShare}, {"addtoany", kNameShare}, {"sharebar", kNameShare},
    {"follow", kNameShare}, {"likes", kNameShare}, {"socials", kNameShare}, {"sharethis", kNameShare},
    {"sharetools", kNameShare}, {"socialmedia", kNameShare},
    {"nav", kNameNavigation}, {"navigation", kNameNavigation}, {"navbar", kNameNavigation},
    {"menu", kNameNavigation}, {"menus", kNameNavigation}, {"breadcrumb", kNameNavigation},
    {"breadcrumbs", kNameNavigation}, {"pagination", kNameNavigation}, {"pager", kNameNavigation},
    {"sitemap", kNameNavigation}, {"topbar", kNameNavigation}, {"skip", kNameNavigation},
    {"submenu", kNameNavigation}, {"toolbar", kNameNavigation}, {"subnav", kNameNavigation},
    {"sidebar", kNameSide}, {"aside", kNameSide}, {"rail", kNameSide}, {"widget", kNameSide}, {"widgets", kNameSide},
    {"sidebars", kNameSide}, {"rightrail", kNameSide},
    {"footer", kNameFooter}, {"foot", kNameFooter}, {"copyright", kNameFooter}, {"colophon", kNameFooter},
    {"legal", kNameFooter}, {"disclaimer", kNameFooter}, {"disclosure", kNameFooter},
    {"header", kNameHeader}, {"masthead", kNameHeader}, {"banner", kNameHeader}, {"head", kNameHeader},
    {"ad", kNameAdvert}, {"ads", kNameAdvert}, {"advert", kNameAdvert}, {"advertisement", kNameAdvert},
    {"adverts", kNameAdvert}, {"sponsor", kNameAdvert}, {"sponsored", kNameAdvert}, {"dfp", kNameAdvert},
    {"adsense", kNameAdvert}, {"promo", kNameAdvert}, {"promos", kNameAdvert}, {"promotion", kNameAdvert},
    {"promoted", kNameAdvert}, {"advertising", kNameAdvert}, {"adsbygoogle", kNameAdvert}, {"adbox", kNameAdvert},
    {"newsletter", kNameForm}, {"newsletters", kNameForm}, {"subscribe", kNameForm}, {"subscription", kNameForm},
    {"signup", kNameForm}, {"signin", kNameForm}, {"login", kNameForm}, {"register", kNameForm}, {"optin", kNameForm},
    {"paywall", kNameForm}, {"cookie", kNameForm}, {"cookies", kNameForm}, {"consent", kNameForm},
    {"gdpr", kNameForm}, {"modal", kNameForm}, {"popup", kNameForm}, {"overlay", kNameForm}, {"dialog", kNameForm},
    {"mailchimp", kNameForm}, {"donate", kNameForm}, {"donation", kNameForm}, {"feedback", kNameForm},
    {"survey", kNameForm}, {"rating", kNameForm}, {"ratings", kNameForm}, {"search", kNameForm}, {"cta", kNameForm},
    {"subscriber", kNameForm}, {"tooltip", kNameForm},
    {"byline", kNameMeta}, {"bylines", kNameMeta}, {"author", kNameMeta | kNameBio}, {"authors", kNameMeta | kNameBio},
    {"date", kNameMeta},
    {"timestamp", kNameMeta}, {"published", kNameMeta}, {"postmeta", kNameMeta}, {"meta", kNameMeta},
    {"metadata", kNameMeta}, {"tags", kNameMeta}, {"tag", kNameMeta}, {"taglist", kNameMeta},
    {"categories", kNameMeta}, {"keywords", kNameMeta}, {"topics", kNameMeta}, {"credit", kNameMeta},
    {"credits", kNameMeta}, {"kicker", kNameMeta}, {"eyebrow", kNameMeta}, {"pubdate", kNameMeta},
    {"postedon", kNameMeta}, {"readtime", kNameMeta},
    {"caption", kNameCaption}, {"captions", kNameCaption}, {"figcaption", kNameCaption}, {"cutline", kNameCaption},
    {"hidden", kNameHidden}, {"invisible", kNameHidden}, {"offscreen", kNameHidden}, {"noprint", kNamePrint},
    {"visuallyhidden", kNameHidden}, {"hide", kNameHidden}, {"sronly", kNameHidden}, {"sr", kNameHidden}, {"screenreader", kNameHidden},
    {"article", kNameArticle}, {"entry", kNameArticle}, {"post", kNameArticle}, {"story", kNameArticle},
    {"blog", kNameArticle}, {"news", kNameArticle}, {"page", kNameArticle},
    {"body", kNameBody}, {"content", kNameBody}, {"text", kNameBody}, {"copy", kNameBody}, {"contents", kNameBody},
    {"bodytext", kNameArticleBody}, {"storybody", kNameArticleBody}, {"articlebody", kNameArticleBody},
    {"articletext", kNameArticleBody}, {"postcontent", kNameArticleBody}, {"storytext", kNameArticleBody},
    {"articlecontent", kNameArticleBody}, {"postbody", kNameArticleBody}, {"entrycontent", kNameArticleBody},
    {"richtext", kNameBody}, {"wysiwyg", kNameBody},
    {"paragraph", kNameBody}, {"paragraphs", kNameBody}, {"prose", kNameBody},
    {"teaser", kNameRelated}, {"teasers", kNameRelated},
    {"gallery", kNameMedia}, {"slideshow", kNameMedia}, {"carousel", kNameMedia}, {"player", kNameMedia},
    {"video", kNameMedia}, {"videos", kNameMedia}, {"slider", kNameMedia},
    {"image", kNameMedia}, {"photo", kNameMedia},
    {"has", kNameModifier}, {"with", kNameModifier}, {"without", kNameModifier}, {"no", kNameModifier},
    {"bio", kNameBio}, {"biography", kNameBio}, {"authorbox", kNameBio}, {"contributor", kNameBio},
    {"contributors", kNameBio},
};

constexpr size_t kSlots = 1024;
constexpr size_t kMaxWord = 24;
constexpr size_t kMaxValue = 1024;  // of a class list

constexpr uint32_t step(uint32_t hash, char letter) { return (hash ^ static_cast<unsigned char>(letter)) * 16777619u; }

struct Table {
  std::array<uint16_t, kSlots> slot{};  // index into kWords, and one
  Table() {
    uint16_t index = 0;
    for (const Word& word : kWords) {
      uint32_t hash = 2166136261u;
      for (const char letter : word.text) {
        hash = step(hash, letter);
      }
      size_t at = hash % kSlots;
      while (slot[at] != 0) {
        at = (at + 1) % kSlots;
      }
      slot[at] = ++index;
    }
  }
  uint32_t find(std::string_view text, uint32_t hash) const {
    for (size_t at = hash % kSlots; slot[at] != 0; at = (at + 1) % kSlots) {
      const Word& word = kWords[slot[at] - 1];
      if (word.text == text) {
        return word.bits;
      }
    }
    return 0;
  }
};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace

uint32_t names_in(std::string_view value) {
  static const Table table;
  value = value.substr(0, kMaxValue);
  uint32_t all = 0;
  uint32_t name = 0;  // of the words since the last blank
  char word[kMaxWord];
  size_t length = 0;
  uint32_t hash = 2166136261u;
  const auto end_word = [&] {
    if (length > 1 && length <= kMaxWord) {
      name |= table.find({word, length}, hash);
    }
    length = 0;
    hash = 2166136261u;
  };
  const auto end_name = [&] {
    end_word();
    if ((name & kNameModifier) != 0) {
      name = 0;  // "has-sidebar" says what else is there
    }
    if ((name & kNameBody) != 0 && (name & kNameArticle) != 0) {
      name |= kNameArticleBody;
    }
    all |= name;
    name = 0;
  };
  char before = ' ';
  for (const char c : value) {
    if (is_lower(c) || is_upper(c)) {
      if (is_upper(c) && is_lower(before)) {
        end_word();
      }
      const char lower = is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c;
      if (length < kMaxWord) {
        word[length] = lower;
      }
      ++length;
      hash = step(hash, lower);
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      end_name();
    } else {
      end_word();
    }
    before = c;
  }
  end_name();
  return all;
}

}  // namespace athanor::html
