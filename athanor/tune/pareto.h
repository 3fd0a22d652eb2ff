// Several objectives, all minimised: who dominates whom.
#pragma once

#include <cstddef>
#include <vector>

namespace athanor::tune {

// a is nowhere worse than b and somewhere better.
bool dominates(const std::vector<double>& a, const std::vector<double>& b);

// Front of each item, 0 the Pareto front (Deb 2002).
std::vector<int> pareto_ranks(const std::vector<std::vector<double>>& values);

// Indices of front 0, ascending.
std::vector<size_t> pareto_front(const std::vector<std::vector<double>>& values);

// How alone each of the members stands in its front: the sum over objectives of its neighbours' distance in shares of the
// front's range; infinite at the ends.
std::vector<double> crowding(const std::vector<std::vector<double>>& values, const std::vector<size_t>& members);

}  // namespace athanor::tune
