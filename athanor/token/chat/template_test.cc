// The language against jinja2, and its bounds.
#include "athanor/token/chat/template.h"

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

#include "athanor/base/error.h"
#include "athanor/base/file.h"

namespace athanor::chat {
namespace {

std::string render(const std::string& source, const Limits& limits = {}) {
  return Template::parse(source, "t", limits).render({}).text;
}

Error error_of(const std::string& source, const Limits& limits = {}) {
  try {
    const std::string text = render(source, limits);
    return Error(ErrorKind::kInternal, "rendered " + text.substr(0, 100), source);
  } catch (const Error& error) {
    return error;
  }
}

TEST(Template, EqualsJinja) {
  std::tm now{};
  now.tm_year = 125;
  now.tm_mon = 6;
  now.tm_mday = 4;
  now.tm_hour = 9;
  now.tm_min = 5;
  now.tm_wday = 5;
  now.tm_yday = 184;
  std::istringstream lines(read_file(std::string(ATHANOR_SOURCE_DIR) + "/tests/fixtures/token/chat/expressions.jsonl"));
  std::string line;
  std::getline(lines, line);
  std::vector<Argument> arguments;
  const Json given = Json::parse(line);
  for (auto it = given.begin(); it != given.end(); ++it) {
    arguments.push_back({it.key(), it.value()});
  }
  size_t checked = 0;
  for (; std::getline(lines, line); ++checked) {
    const Json expected = Json::parse(line);
    const std::string source = expected["t"];
    try {
      const std::string text = Template::parse(source, "t").render(arguments, now).text;
      if (expected.contains("text")) {
        EXPECT_EQ(text, expected["text"].get<std::string>()) << source;
      } else {
        ADD_FAILURE() << source << " gave " << text << " and not " << expected["error"];
      }
    } catch (const Error& error) {
      EXPECT_TRUE(expected.contains("error")) << source << "\nwant " << expected["text"] << "\ngot " << error.message();
    }
  }
  EXPECT_GT(checked, 1500U);
}

TEST(Template, NamesThePlace) {
  EXPECT_EQ(error_of("a\n  {{ 1 + }}").where(), "t:2:10");
  EXPECT_EQ(error_of("\n\n{% for x in 5 %}{% endfor %}").where(), "t:3:4");
  EXPECT_EQ(error_of("你好{{ nope.x }}").where(), "t:1:10");
  EXPECT_EQ(error_of("{% if x %}").where(), "t:1:11");
  const Error refused = error_of("{{ raise_exception('no system role') }}");
  EXPECT_EQ(refused.message(), "no system role");
  EXPECT_EQ(refused.kind(), ErrorKind::kInput);
  EXPECT_NE(error_of("{% include 'x' %}").message().find("refused"), std::string::npos);
  EXPECT_NE(error_of("{{ x }}{% foo %}").message().find("unknown tag"), std::string::npos);
  EXPECT_NE(error_of("{{ strftime_now('%Y') }}").hint().find("now"), std::string::npos);
}

// Each of these would run for ever, or take all memory, in an engine without bounds.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kSeconds = 60;
#else
constexpr double kSeconds = 5;
#endif

TEST(Template, HostileTemplatesEndSoon) {
  const std::string many = "{% for a in range(100000) %}";
  const std::string end = "{% endfor %}";
  const std::string nested = "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}"
                             "{% set ns.y = [ns.y, ns.y] %}{% endfor %}";
  const std::string sources[] = {
      many + many + many + "x" + end + end + end,
      many + many + end + end,
      "{% set ns = namespace(s='ab') %}" + many + "{% set ns.s = ns.s + ns.s %}" + end,
      "{% set ns = namespace(s=[1]) %}" + many + "{% set ns.s = ns.s + ns.s %}" + end,
      "{% set ns = namespace(s='ab') %}" + many + "{% set ns.s = ns.s|replace('a', 'aaaa') %}" + end,
      "{{ 'a' * 10000000000 }}", "{{ [1] * 1000000000 }}", "{{ 'a'.center(99999999999) }}", "{{ '%999999999d' % 1 }}",
      "{{ '{:999999999}'.format(1) }}", "{{ 'a'|indent(999999999) }}", "{{ ''.zfill(99999999999) }}",
      "{{ 'a\t'.expandtabs(99999999999) }}", "{{ [1]|batch(99999999999, 'x')|list }}", "{{ [1]|slice(99999999999)|list }}",
      "{{ 2 ** 9999999999 }}", "{{ range(99999999999) }}",
      nested + "{{ ns.x == ns.y }}", nested + "{{ ns.x }}", nested + "{{ ns.x|tojson }}", nested + "{{ ns.x < ns.y }}",
      "{% set ns = namespace(x=(1,)) %}{% for i in range(99) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {ns.x: 1} }}",
      "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns }}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{% macro f() %}{% call f() %}{% endcall %}{% endmacro %}{{ f() }}",
      "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      many + "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 99 }}" + end,
      "{% set s = 'a' * 1000000 %}" + many + "{{ s.count('b') }}{{ s|upper }}" + end,
      "{% set s = '你' * 1000000 %}" + many + "{% if s[999999] %}{% endif %}" + end,
      "{% set s = 'a' * 100000 %}" + many + "{% set t = s.split('a') %}" + end,
      "{% set t = range(100000)|list %}" + many + "{% set u = t|sort %}{% if -1 in t %}{% endif %}" + end,
      nested + "{{ ns.x|pprint }}", nested + "{{ {'a': ns.x}|pprint }}", "{% set s = 'ab ' * 100000 %}" + many + "{{ s|pprint }}" + end,
      "{% set s = 'ab-c ' * 100000 %}" + many + "{{ s|wordwrap(1) }}" + end, "{{ ('x' * 100000)|wordwrap(1, wrapstring='y' * 10000) }}",
      "{% set s = '<!--a--><b>&amp;' * 10000 %}" + many + "{{ s|striptags }}" + end,
      "{% set s = '<!<!-- x -->-- y -->' * 10000 %}" + many + "{{ s|striptags }}" + end,
      "{% set s = '&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 100000 %}" + many + "{{ s|striptags }}" + end,
      "{% set s = '((((' * 10000 ~ 'a.com/' ~ '(' * 10000 ~ '))))' * 10000 %}" + many + "{{ s|urlize }}" + end,
      "{% set s = 'http://a.b ' * 10000 %}" + many + "{{ s|urlize }}" + end, "{{ 'ab.com '|urlize(target='x' * 1000000) * 9999 }}",
      "{% set s = 'a' * 1000000 %}" + many + "{{ s.translate({97: 'bbbbbbbbb'}) }}{{ s.casefold() }}" + end,
      "{{ " + std::string(100000, '('), "{{ " + std::string(100000, '['),
      "{{ " + std::string(100000, '-') + "1 }}", "{{ 1" + std::string(50000, '+') + "1 }}",
      "{{ x" + [] { std::string s; for (int i = 0; i < 50000; ++i) { s += "|e"; } return s; }() + " }}",
      "{{ not " + [] { std::string s; for (int i = 0; i < 50000; ++i) { s += "not "; } return s; }() + "x }}",
      [] { std::string s; for (int i = 0; i < 20000; ++i) { s += "{% if 1 %}"; } return s; }(),
      [] { std::string s = "{{ 1"; for (int i = 0; i < 50000; ++i) { s += " + 1"; } return s + " }}"; }(),
      std::string(1 << 20, 'x')};
  Limits limits;
  limits.steps = 3'000'000;
  limits.memory_bytes = 128 << 20;
  limits.output_bytes = 16 << 20;
  for (const std::string& source : sources) {
    const auto begin = std::chrono::steady_clock::now();
    const Error error = error_of(source, limits);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(error.kind(), ErrorKind::kInput) << source.substr(0, 200) << "\n" << error.message();
    EXPECT_LT(took.count(), kSeconds) << source.substr(0, 200);
  }
}

TEST(Template, LongTextsAreLinear) {
  // One character at a time, as some templates do; each step joins onto what is there.
  const std::string source = "{% set ns = namespace(s='', l=[]) %}{% for i in range(50000) %}{% set ns.s = ns.s + 'ab' %}"
                             "{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.s|length }} {{ ns.l|length }}";
  EXPECT_EQ(render(source), "100000 50000");
}

TEST(Template, SharedBuffersStayApart) {
  EXPECT_EQ(render("{% set a = 'x' + 'y' %}{% set b = a + '1' %}{% set c = a + '2' %}{% set d = b + '3' %}{{ [a, b, c, d] }}"),
            "['xy', 'xy1', 'xy2', 'xy13']");
  EXPECT_EQ(render("{% set a = [1] + [2] %}{% set b = a + [3] %}{% set c = a + [4] %}{% set d = b + [5] %}{{ [a, b, c, d] }}"),
            "[[1, 2], [1, 2, 3], [1, 2, 4], [1, 2, 3, 5]]");
}

TEST(Template, MarksFollowTextThatIsLaidOut) {
  const auto marked = [](const std::string& source) {  // the bytes that came from the caller
    const std::vector<Argument> arguments = {{"x", Json("<b>q&lt;b</b> ab.com y-z")}};
    const Rendered rendered = Template::parse(source, "t").render(arguments);
    std::string data;
    for (const auto& span : rendered.data) {
      data += rendered.text.substr(span.begin, span.end - span.begin) + "|";
    }
    return data;
  };
  EXPECT_EQ(marked("{{ x|striptags }}"), "q<b|ab.com|y-z|");
  EXPECT_EQ(marked("{{ x|wordwrap(8, wrapstring='_') }}"), "<b>q&lt;|b</b>|ab.com|y-z|");
  EXPECT_EQ(marked("{{ [x]|pprint }}"), "<b>q&lt;b</b> ab.com y-z|");
  EXPECT_EQ(marked("{{ x[14:20]|urlize }}"), "ab.com|ab.com|");
  EXPECT_EQ(marked("{{ x[:4].casefold() }}{{ x[3:5].translate({113: 'Q', 38: 33}) }}"), "<b>q|!|");
}

TEST(Template, RefusesTextThatIsNotUtf8) {
  EXPECT_NE(error_of("a\xFF").message().find("UTF-8"), std::string::npos);
  EXPECT_NE(error_of("{{ '\\ud800' }}").message().find("escape"), std::string::npos);
}

}  // namespace
}  // namespace athanor::chat
