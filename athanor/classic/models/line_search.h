// A step along a direction of descent that lowers a smooth function enough and where it has become flat enough: cubic and
// quadratic guesses within a shrinking interval (Moré, Thuente 1994, "Line search algorithms with guaranteed sufficient
// decrease"), with the constants of L-BFGS-B.
//
//   LineSearch search(value, slope, first_step);
//   while (!search.done()) { const auto at = f(search.step()); search.tell(at.value, at.slope); }
//   if (search.found()) { x += search.step() * direction; }
#pragma once

namespace athanor::classic {

class LineSearch {
 public:
  // value, slope: at step 0; the slope is below 0.
  LineSearch(double value, double slope, double first_step);

  double step() const { return step_; }
  bool done() const { return done_; }
  bool found() const { return found_; }  // false: rounding leaves no such step
  void tell(double value, double slope);  // of the function at step()

 private:
  struct End {
    double at = 0, value = 0, slope = 0;
  };
  bool ends_at(double value, double slope);
  void guess(double value, double slope);
  double next_of(const End& x, const End& y, const End& p);
  void keep_inside();

  End best_, other_;  // the interval's ends: the best so far, and where the least lies towards
  double start_value_, start_slope_;
  double step_;
  double low_ = 0, high_;
  double width_, width_before_;
  bool bracketed_ = false;
  bool modified_ = true;  // as long as no step both lowered the value enough and rose
  bool done_ = false;
  bool found_ = false;
};

}  // namespace athanor::classic
