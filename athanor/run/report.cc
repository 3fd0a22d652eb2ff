#include "athanor/run/report.h"

#include <algorithm>
#include <cctype>

#include "athanor/base/format_width.h"
#include "athanor/run/report_style.h"

namespace athanor {

namespace {

constexpr SvgSize kWideChart{784, 300};
constexpr SvgSize kHalfChart{376, 220};
constexpr SvgSize kNarrowChart{364, 250};
constexpr int kMaxTreeDepth = 64;
constexpr size_t kMaxEmbeddedJson = 64 * 1024;

struct Words {
  const char* contents;
  const char* note;
  const char* warning;
  const char* error;
};

const Words& words_of(const std::string& language) {
  static constexpr Words kEnglish = {"Contents", "Note", "Warning", "Error"};
  static constexpr Words kChinese = {"目录", "说明", "警告", "错误"};
  return language.starts_with("zh") ? kChinese : kEnglish;
}

// ` lang="zh"` where the text's script tells it (kana: Japanese, Hangul: Korean), so that browsers choose the
// right glyphs; nothing for other scripts.
std::string lang_attribute(std::string_view text) {
  bool han = false;
  while (!text.empty()) {
    const char32_t c = take_code_point(text);
    if (c >= 0x3040 && c <= 0x30FF) {
      return " lang=\"ja\"";
    }
    if (c >= 0xAC00 && c <= 0xD7A3) {
      return " lang=\"ko\"";
    }
    han = han || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0x20000 && c <= 0x3FFFF);
  }
  return han ? " lang=\"zh\"" : "";
}

std::string element(const std::string& tag, const std::string& attributes, const std::string& text) {
  return "<" + tag + attributes + lang_attribute(text) + ">" + escape_markup(text) + "</" + tag + ">";
}

// A short name, which a narrow column of a browser would break after each Chinese character.
bool is_whole_name(const std::string& cell) {
  constexpr int kShort = 24;
  return !lang_attribute(cell).empty() && display_width(cell) <= kShort;
}

// "12.3 MB", "1,234", "-0.5", "41 %", "± 0.02": starts with a digit after an optional sign.
bool is_numeric_cell(const std::string& cell) {
  std::string_view text = cell;
  for (const std::string_view sign : {"± ", "±", "-", "+", "−", "<", ">", "~"}) {
    if (text.starts_with(sign)) {
      text.remove_prefix(sign.size());
      break;
    }
  }
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) == 0) {
    return cell == "nan" || cell == "inf" || cell == "–" || cell == "-";
  }
  // A digest, a date or an address also starts with a digit: what follows the number must be short or a
  // spread.
  const size_t end = std::min(text.find_first_not_of("0123456789.,e+-"), text.size());
  if (end < text.size() && text[end] != ' ' && text[end] != '%') {
    return false;
  }
  const std::string_view number = text.substr(0, end);
  const size_t dashes = static_cast<size_t>(std::count(number.begin(), number.end(), '-'));
  return dashes == 0 || (dashes == 1 && number.find("e-") != std::string_view::npos);
}

// A relative path to another page, and nothing else.
bool is_page(const std::string& text) {
  return text.ends_with(".html") && !text.starts_with('/') && text.find_first_of(" :\n\\") == std::string::npos;
}

// Writes a page; one overload of block() for each kind of block.
class Page {
 public:
  explicit Page(const Report& report) : report_(report), words_(words_of(report.language)) {}

  std::string render() {
    open();
    header();
    contents();
    out_ += "<main>\n";
    for (size_t i = 0; i < report_.sections.size(); ++i) {
      const ReportSection& section = report_.sections[i];
      out_ += "<section id=\"s" + std::to_string(i + 1) + "\">" + element("h2", "", section.title) + "\n";
      if (!section.intro.empty()) {
        out_ += element("p", " class=\"intro\"", section.intro) + "\n";
      }
      for (const ReportBlock& any : section.blocks) {
        std::visit([this](const auto& one) { block(one); }, any);
        out_ += "\n";
      }
      out_ += "</section>\n";
    }
    out_ += "</main>\n";
    if (!report_.footer.empty()) {
      out_ += element("footer", "", report_.footer) + "\n";
    }
    out_ += "</div>\n";
    embed_data();
    return out_ + "</body>\n</html>\n";
  }

 private:
  void open() {
    out_ += "<!doctype html>\n<html lang=\"" + escape_markup(report_.language) +
            "\">\n<head>\n<meta charset=\"utf-8\">\n";
    out_ +=
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">\n";
    out_ +=
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<meta name=\"generator\" "
        "content=\"athanor\">\n";
    out_ += "<title>" + escape_markup(report_.title) + "</title>\n<style>\n" + svg_css() + kReportCss +
            "</style>\n";
    out_ += "</head>\n<body>\n<div class=\"page\">\n";
  }

  void header() {
    out_ += "<header><div class=\"brand\">Athanor</div>" + element("h1", "", report_.title);
    if (!report_.subtitle.empty()) {
      out_ += element("p", " class=\"sub\"", report_.subtitle);
    }
    if (!report_.figures.empty()) {
      // Full rows: three columns for 3, 5, 6 or 9 figures, else four.
      const size_t n = report_.figures.size();
      out_ += n == 3 || n == 5 || n == 6 || n == 9 ? "\n<dl class=\"figs three\">" : "\n<dl class=\"figs\">";
      for (const KeyFigure& figure : report_.figures) {
        key_figure(figure);
      }
      out_ += "</dl>";
    }
    out_ += "</header>\n";
  }

  void key_figure(const KeyFigure& figure) {
    out_ += "\n<div class=\"fig\">" + element("dt", "", figure.name) + "<dd class=\"v\">" +
            escape_markup(figure.value);
    if (!figure.unit.empty()) {
      out_ += element("small", "", figure.unit);
    }
    out_ += "</dd>";
    for (const std::string* line : {&figure.spread, &figure.how}) {
      if (!line->empty()) {
        out_ += element("dd", " class=\"w\"", *line);
      }
    }
    out_ += "</div>";
  }

  void contents() {
    if (report_.sections.size() < 2) {
      return;
    }
    out_ +=
        std::string("<nav aria-label=\"") + words_.contents + "\"><div><b>" + words_.contents + "</b><ol>";
    for (size_t i = 0; i < report_.sections.size(); ++i) {
      out_ += "<li><a href=\"#s" + std::to_string(i + 1) + "\">" + escape_markup(report_.sections[i].title) +
              "</a></li>";
    }
    out_ += "</ol></div></nav>\n";
  }

  // No script reads it here: it is for whoever is handed only the page. '<' never appears in it.
  void embed_data() {
    if (report_.data.is_null()) {
      return;
    }
    const std::string json = report_.data.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (json.size() > kMaxEmbeddedJson) {
      return;
    }
    out_ += "<script type=\"application/json\" id=\"data\">";
    for (const char c : json) {
      switch (c) {
        case '<':
          out_ += "\\u003c";
          break;
        case '>':
          out_ += "\\u003e";
          break;
        case '&':
          out_ += "\\u0026";
          break;
        default:
          out_ += c;
      }
    }
    out_ += "</script>\n";
  }

  template <typename Chart>
  void figure(const Chart& chart, SvgSize wide) {
    out_ += "<figure><div class=\"wide\">" + svg_of(chart, wide) + "</div><div class=\"narrow\">" +
            svg_of(chart, kNarrowChart) + "</div></figure>";
  }

  void block(const ParagraphBlock& block) {
    std::string_view rest = block.text;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find("\n\n"), rest.size());
      if (end > 0) {
        const std::string text(rest.substr(0, end));
        out_ += is_page(text) ? "<p><a href=\"" + escape_markup(text) + "\">" + escape_markup(text) + "</a></p>" : element("p", "", text);
      }
      rest.remove_prefix(std::min(end + 2, rest.size()));
    }
  }

  void block(const TableBlock& block) {
    size_t columns = block.header.size();
    for (const auto& row : block.rows) {
      columns = std::max(columns, row.size());
    }
    std::vector<const char*> classes(columns, " class=\"r\"");
    for (size_t c = 0; c < columns; ++c) {
      bool any = false;
      for (const auto& row : block.rows) {
        const bool filled = c < row.size() && !row[c].empty();
        any = any || filled;
        if (filled && !is_numeric_cell(row[c])) {
          classes[c] = "";
        }
      }
      classes[c] = any ? classes[c] : "";
    }
    out_ += "<div class=\"scroll\"><table>";
    if (!block.caption.empty()) {
      out_ += element("caption", "", block.caption);
    }
    const auto row_of = [&](const std::vector<std::string>& cells, const char* tag) {
      out_ += "<tr>";
      for (size_t c = 0; c < columns; ++c) {
        const std::string cell = c < cells.size() ? cells[c] : "";
        out_ += element(tag, c == 0 && is_whole_name(cell) ? " style=\"white-space:nowrap\"" : classes[c], cell);
      }
      out_ += "</tr>";
    };
    if (!block.header.empty()) {
      out_ += "<thead>";
      row_of(block.header, "th");
      out_ += "</thead>";
    }
    out_ += "<tbody>";
    for (const auto& row : block.rows) {
      row_of(row, "td");
    }
    out_ += "</tbody></table></div>";
  }

  void block(const ChartBlock& block) {
    if (block.charts.size() == 1) {
      figure(block.charts[0], kWideChart);
      return;
    }
    out_ += "<div class=\"grid\">";
    for (const LineChart& chart : block.charts) {
      figure(chart, kHalfChart);
    }
    out_ += "</div>";
  }

  void block(const BarBlock& block) { figure(block.chart, kWideChart); }
  void block(const HistogramBlock& block) { figure(block.chart, kWideChart); }
  void block(const FunnelBlock& block) { figure(block.funnel, kWideChart); }
  void block(const HeatBlock& block) { figure(block.chart, kWideChart); }

  void block(const PictureBlock& block) {
    out_ += (block.caption.empty() ? "" : element("p", " class=\"cap\"", block.caption));
    out_ += "<div class=\"scroll\">" + block.svg + "</div>";
  }

  void block(const KeyValueBlock& block) {
    out_ += "<div class=\"kv\">";
    if (!block.caption.empty()) {
      out_ += element("b", "", block.caption);
    }
    out_ += "<dl>";
    for (const KeyValue& item : block.items) {
      out_ += "<div>" + element("dt", "", item.key) + "<dd" + lang_attribute(item.value) + ">" +
              escape_markup(item.value);
      out_ += (item.unit.empty() ? "" : element("small", "", item.unit)) + "</dd></div>";
    }
    out_ += "</dl></div>";
  }

  void block(const TextBlock& block) {
    // A newline directly after <pre> is dropped by browsers: give it one to drop.
    const std::string text =
        "<pre" + lang_attribute(block.text) + ">\n" + escape_markup(block.text) + "</pre>";
    if (block.folded) {
      out_ += "<details>" + element("summary", "", block.caption) + text + "</details>";
    } else {
      out_ += (block.caption.empty() ? "" : element("p", " class=\"cap\"", block.caption)) + text;
    }
  }

  void block(const SampleBlock& block) {
    out_ += "<div class=\"sample\">";
    if (!block.caption.empty()) {
      out_ += element("small", "", block.caption);
    }
    out_ += "<p" + lang_attribute(block.prompt + block.answer) + "><span class=\"prompt\">" +
            escape_markup(block.prompt) + "</span>" + escape_markup(block.answer) + "</p></div>";
  }

  void block(const NoteBlock& block) {
    const bool note = block.level == NoteBlock::Level::kNote;
    const bool warning = block.level == NoteBlock::Level::kWarning;
    out_ += std::string("<div class=\"note ") +
            (note      ? ""
             : warning ? "warning"
                       : "error") +
            "\"><b>" +
            (note      ? words_.note
             : warning ? words_.warning
                       : words_.error) +
            "</b>" + element("span", "", block.text) + "</div>";
  }

  void block(const LineageBlock& block) {
    out_ += "<ul class=\"tree\">";
    node(block.root, 0);
    out_ += "</ul>";
  }

  void node(const LineageNode& node_here, int depth) {
    out_ += "<li><span>";
    if (!node_here.role.empty()) {
      out_ += element("em", "", node_here.role);
    }
    out_ += element("code", "", node_here.name);
    if (!node_here.detail.empty()) {
      out_ += element("small", "", node_here.detail);
    }
    out_ += "</span>";
    if (!node_here.inputs.empty()) {
      out_ += "<ul>";
      if (depth < kMaxTreeDepth) {
        for (const LineageNode& input : node_here.inputs) {
          node(input, depth + 1);
        }
      } else {
        out_ += "<li><span>…</span></li>";
      }
      out_ += "</ul>";
    }
    out_ += "</li>";
  }

  const Report& report_;
  const Words& words_;
  std::string out_;
};

}  // namespace

std::string render_html(const Report& report) {
  return Page(report).render();
}

void write_report(const Report& report, const fs::path& dir) {
  make_dirs(dir);
  write_file_atomic(dir / "report.json",
                    report.data.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  write_file_atomic(dir / "report.html", render_html(report));
}

}  // namespace athanor
