#include "athanor/base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "athanor/base/format.h"
#include "athanor/base/format_width.h"

namespace athanor {

namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kPlainSeconds = 10;
constexpr double kSampleSeconds = 0.05;
constexpr double kQuietSeconds = 2;  // no ETA before
constexpr double kAgreement = 1.5;   // fast and slow pace may differ by this factor
constexpr int kFallbackColumns = 80;
constexpr int kMaxBarCells = 24;
constexpr int kMinBarCells = 8;
constexpr int kTextColumns = 63;      // percent, ETA and usual details: the bar takes what they leave
constexpr int kBarNeedsColumns = 24;  // with less beside it the bar goes, numbers matter more
// Both characters have East Asian Width "neutral": one column also where ambiguous ones take two.
constexpr std::string_view kFull = "╸";
constexpr std::string_view kEmpty = "╴";

bool environment_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

bool is_terminal(FILE* file) {
  const char* term = std::getenv("TERM");
  return ::isatty(::fileno(file)) == 1 && !(term != nullptr && std::string_view(term) == "dumb");
}

void PaceEstimate::Average::add(double df, double dt, double memory_seconds) {
  const double keep = std::exp(-dt / memory_seconds);
  fraction = fraction * keep + df;
  seconds = seconds * keep + dt;
}

void PaceEstimate::start(double now) {
  *this = PaceEstimate();
  begin_ = last_time_ = now;
}

void PaceEstimate::add(double now, double fraction) {
  if (!(fraction >= 0)) {
    return;
  }
  if (last_fraction_ < 0 || fraction < last_fraction_) {  // first sample, or the work was set back
    start(now);
    last_fraction_ = fraction;
    return;
  }
  const double dt = now - last_time_;
  if (dt < kSampleSeconds) {
    return;
  }
  const double elapsed = now - begin_;
  fast_.add(fraction - last_fraction_, dt, std::max(2.0, elapsed / 16));
  slow_.add(fraction - last_fraction_, dt, std::max(10.0, elapsed / 4));
  last_time_ = now;
  last_fraction_ = fraction;
}

double PaceEstimate::seconds_left(double now) const {
  const double slow = slow_.rate();
  const double fast = fast_.rate();
  if (now - begin_ < kQuietSeconds || slow <= 0 || fast * kAgreement < slow || fast > slow * kAgreement) {
    return -1;
  }
  return std::max(0.0, (1 - last_fraction_) / slow - (now - last_time_));
}

// A line under construction: pieces are cut to the columns that are left, then wrapped in colour.
struct Progress::Row {
  int left;
  bool colour;
  std::string text;

  void append(std::string_view piece, Style style) {
    const std::string fitting = cut_to_width(piece, left);
    left -= display_width(fitting);
    if (colour && style != Style::kPlain && !fitting.empty()) {
      text += style == Style::kAccent ? "\x1b[33m" : "\x1b[2m";
      text += fitting;
      text += "\x1b[0m";
    } else {
      text += fitting;
    }
  }
};

Progress::Progress(FILE* out, bool is_terminal, int width, Clock clock)
    : out_(out),
      terminal_(is_terminal),
      colour_(is_terminal && !environment_set("NO_COLOR")),
      width_(width),
      clock_(clock ? std::move(clock) : steady_seconds) {}

Progress::~Progress() {
  clear_bar();
}

int Progress::columns() const {
  if (width_ > 0) {
    return width_;
  }
  winsize size{};
  if (::ioctl(::fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return kFallbackColumns;
}

void Progress::begin(std::string label) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  label_ = printable(label);
  details_.clear();
  fraction_ = -1;
  active_ = true;
  begin_ = last_print_ = clock_();
  pace_.start(begin_);
  if (terminal_) {
    redraw(begin_);
  }
}

void Progress::update(double fraction, const std::string& details) {
  const std::lock_guard lock(mutex_);
  if (!active_) {
    return;
  }
  const double now = clock_();
  fraction_ = fraction >= 0 ? std::min(fraction, 1.0) : -1;
  pace_.add(now, fraction_);
  if (now - last_print_ < (terminal_ ? kRedrawSeconds : kPlainSeconds)) {
    return;
  }
  details_ = printable(details);
  if (terminal_) {
    redraw(now);
  } else {
    print_plain(now);
  }
}

void Progress::line(const std::string& text) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  std::fprintf(out_, "%s\n", printable(text, true).c_str());
  if (active_ && terminal_) {
    redraw(clock_());
  }
  std::fflush(out_);
}

void Progress::end(const std::string& summary) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  if (active_ && !summary.empty()) {
    const std::string label = label_.empty() ? "" : label_ + "  ";
    std::fprintf(out_, "%s%s\n", label.c_str(), printable(summary, true).c_str());
  }
  active_ = false;
  std::fflush(out_);
}

void Progress::clear_bar() {
  if (drawn_) {
    std::fputs("\r\x1b[K", out_);
    std::fflush(out_);
    drawn_ = false;
  }
}

std::string Progress::eta_text(double now) const {
  const double seconds = fraction_ < 0 || fraction_ >= 1 ? -1 : pace_.seconds_left(now);
  return seconds < 0 ? "" : coarse_duration(seconds) + " left";
}

void Progress::append_bar(Row& row, int cells, double now) const {
  const bool known = fraction_ >= 0;
  // Unknown length: a quarter of the bar wanders to and fro, one cell a redraw.
  const int span = std::max(1, cells / 4);
  const int travel = std::max(1, cells - span);
  const int phase = static_cast<int>(std::fmod((now - begin_) / kRedrawSeconds, 2.0 * travel));
  const int first = known ? 0 : std::min(phase, 2 * travel - phase);
  const int last = known ? static_cast<int>(fraction_ * cells) : first + span;
  const auto repeat = [](std::string_view cell, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) {
      out += cell;
    }
    return out;
  };
  row.append(repeat(kEmpty, first), Style::kDim);
  row.append(repeat(kFull, last - first), Style::kAccent);
  row.append(repeat(kEmpty, cells - last), Style::kDim);
}

void Progress::redraw(double now) {
  Row row{columns() - 1, colour_, ""};  // the last column stays free: writing it makes some terminals wrap
  const int spare = row.left - display_width(label_);
  const int cells = std::clamp(spare - kTextColumns, kMinBarCells, kMaxBarCells);
  row.append(label_, Style::kPlain);
  if (spare >= cells + kBarNeedsColumns) {
    row.append("  ", Style::kPlain);
    append_bar(row, cells, now);
  }
  std::string percent = fraction_ >= 0 ? std::to_string(static_cast<int>(fraction_ * 100)) + " %"
                                       : human_duration(std::floor(now - begin_));
  percent.insert(0, percent.size() < 5 ? 5 - percent.size() : 0, ' ');
  row.append("  " + percent, Style::kPlain);
  if (const std::string eta = eta_text(now); !eta.empty()) {
    row.append("  " + eta, Style::kDim);
  }
  if (!details_.empty()) {
    row.append("  " + details_, Style::kPlain);
  }
  std::fprintf(out_, "\r%s\x1b[K", row.text.c_str());
  std::fflush(out_);
  drawn_ = true;
  last_print_ = now;
}

void Progress::print_plain(double now) {
  std::string text = label_;
  text += "  " + (fraction_ >= 0 ? std::to_string(static_cast<int>(fraction_ * 100)) + " %"
                                 : human_duration(std::floor(now - begin_)));
  if (const std::string eta = eta_text(now); !eta.empty()) {
    text += "  " + eta;
  }
  if (!details_.empty()) {
    text += "  " + details_;
  }
  std::fprintf(out_, "%s\n", text.c_str());
  std::fflush(out_);
  last_print_ = now;
}

}  // namespace athanor
