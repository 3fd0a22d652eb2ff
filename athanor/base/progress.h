// One line that says how far a stage is: label, bar, percent, an honest coarse ETA, the caller's details.
//
//   Progress progress(stderr, is_terminal(stderr));
//   progress.begin("pretrain");
//   progress.update(step / steps, "loss 3.214  12.3k tok/s  mfu 41 %");
//   progress.line("warning: 3 rows rejected");       // stays above the bar
//   progress.end("2,000 steps, loss 3.214, 4 min 05 s");
//
// On a terminal the line is redrawn at most ten times a second and is never wider than the window (asked
// anew at each redraw); elsewhere a plain line comes at most every ten seconds. Colour only on a terminal and
// without NO_COLOR. The ETA is shown from two seconds on and only while the recent pace agrees with the
// smoothed one. All calls may come from any thread. Write errors (a closed terminal) are ignored.
#pragma once

#include <cstdio>
#include <functional>
#include <mutex>
#include <string>

namespace athanor {

// A terminal that can redraw a line: isatty and TERM is not "dumb".
bool is_terminal(FILE* file);

// Pace of work from (time, fraction) samples: a fast and a slow exponential average of df/dt.
class PaceEstimate {
 public:
  void start(double now);
  void add(double now, double fraction);
  // Seconds to fraction 1, or a negative number while no honest answer exists.
  double seconds_left(double now) const;

 private:
  struct Average {
    double fraction = 0;
    double seconds = 0;
    void add(double df, double dt, double memory_seconds);
    double rate() const { return seconds > 0 ? fraction / seconds : 0; }
  };
  double begin_ = 0;
  double last_time_ = 0;
  double last_fraction_ = -1;  // < 0: no sample yet; a resumed run starts high, only the differences count
  Average fast_;
  Average slow_;
};

class Progress {
 public:
  using Clock = std::function<double()>;  // seconds, monotonic

  // width 0: ask the terminal at each redraw. clock empty: the steady clock.
  Progress(FILE* out, bool is_terminal, int width = 0, Clock clock = {});
  ~Progress();  // clears a bar that was not ended
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin(std::string label);
  // fraction in [0, 1], below 0 for unknown; details go last and are cut first.
  void update(double fraction, const std::string& details);
  // A permanent line above the bar; may hold newlines.
  void line(const std::string& text);
  // Clears the bar; prints "label  summary", or nothing when the summary is empty.
  void end(const std::string& summary);

 private:
  enum class Style { kPlain, kAccent, kDim };
  struct Row;

  int columns() const;
  void redraw(double now);
  void print_plain(double now);
  void clear_bar();
  std::string eta_text(double now) const;
  void append_bar(Row& row, int cells, double now) const;

  FILE* out_;
  bool terminal_;
  bool colour_;
  int width_;
  Clock clock_;
  std::mutex mutex_;
  std::string label_;
  std::string details_;
  double fraction_ = -1;
  double begin_ = 0;
  double last_print_ = 0;
  bool active_ = false;
  bool drawn_ = false;  // the bar stands on the current line
  PaceEstimate pace_;
};

}  // namespace athanor
