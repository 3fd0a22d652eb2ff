#include "athanor/tensor/rank_store.h"

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"

namespace athanor {
namespace {

using std::chrono::milliseconds;

constexpr auto kBeat = milliseconds(500);
constexpr double kSilentSeconds = 3;  // without a sign of life: six beats
constexpr double kGoneSeconds = 15;   // the same where nobody waits in a collective, whose connection would break
constexpr double kLostSeconds = 15;   // without an answer of the store
constexpr double kSecondsToRead = 3;  // what failed, before rank 0 takes the store with it
constexpr double kGraceSeconds = 5;   // for the working thread to end by itself

std::string key_of(const char* what, int rank) { return std::string(what) + "/" + std::to_string(rank); }

std::string list_of(const std::vector<int>& ranks) {
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t i = 0; i < ranks.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(ranks[i]);
  }
  return text;
}

// Without the place in the library's source that it begins with.
std::string first_line(const std::string& text) {
  const size_t begin = text.starts_with('[') && text.find("] ") != std::string::npos ? text.find("] ") + 2 : 0;
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

struct RankStore::Impl {
  Launch launch;
  std::atomic<double> timeout{50};
  c10::intrusive_ptr<c10d::Store> store;  // the working thread's and the communication thread's
  c10::intrusive_ptr<c10d::Store> beats;  // the signs of life have a connection of their own
  std::thread thread;
  std::thread watchdog;
  std::mutex mutex;
  std::condition_variable wake;
  bool ending = false;
  bool lost = false;                // the store's connection is broken
  double answered = 0;              // when it last gave an answer
  std::string host = host_name();
  std::vector<double> seen;         // when each rank's count last changed, by our clock
  std::vector<std::string> counts;
  uint64_t entered = 0;
  uint64_t groups = 0;   // how many process groups there were
  uint64_t answers = 0;  // and calls of from_rank_0
  int64_t step = 0;
  std::string place = "start";

  void beat();
  void watch();
  std::string store_text() const;
  std::vector<int> silent(double seconds);
  bool store_is_lost() {
    const std::lock_guard lock(mutex);
    return lost || monotonic_time() - answered > kLostSeconds;
  }
  std::string where(const c10::intrusive_ptr<c10d::Store>& from, int rank);
  std::string blame_text(double since);
  void let_others_read();
};

// Until the end: counts up our key and looks whether the others' have changed.
void RankStore::Impl::beat() {
  std::vector<std::string> keys;
  for (int rank = 0; rank < launch.world; ++rank) {
    keys.push_back(key_of("alive", rank));
  }
  for (uint64_t count = 1;; ++count) {
    std::vector<std::vector<uint8_t>> now;
    try {
      beats->set(key_of("alive", launch.rank), std::to_string(count));
      now = beats->multiGet(keys);
    } catch (const std::exception&) {
      now.clear();
    }
    std::unique_lock lock(mutex);
    lost = now.empty();
    answered = lost ? answered : monotonic_time();
    for (size_t rank = 0; rank < now.size(); ++rank) {
      std::string text(now[rank].begin(), now[rank].end());
      if (text != counts[rank]) {
        counts[rank] = std::move(text);
        seen[rank] = monotonic_time();
      }
    }
    if (wake.wait_for(lock, kBeat, [this] { return ending; })) {
      return;
    }
  }
}

// Ends a process that waits for an answer which never comes.
void RankStore::Impl::watch() {
  std::unique_lock lock(mutex);
  while (!wake.wait_for(lock, kBeat, [this] { return ending; })) {
    if (monotonic_time() - answered > timeout + kGraceSeconds) {
      std::fprintf(stderr, "error: %s\n", store_text().c_str());
      ::_exit(static_cast<int>(ErrorKind::kResource));
    }
  }
}

std::string RankStore::Impl::store_text() const {
  return (launch.store_is_hosted ? "the launcher's store" : "rank 0, which holds the store,") +
         std::string(" does not answer; rank ") + std::to_string(launch.rank) + " waits in step " + std::to_string(step) +
         ", '" + place + "'";
}

std::vector<int> RankStore::Impl::silent(double seconds) {
  const std::lock_guard lock(mutex);
  std::vector<int> ranks;
  for (int rank = 0; rank < launch.world; ++rank) {
    if (rank != launch.rank && answered - seen[static_cast<size_t>(rank)] > seconds) {  // as of our last look
      ranks.push_back(rank);
    }
  }
  return ranks;
}

std::string RankStore::Impl::where(const c10::intrusive_ptr<c10d::Store>& from, int rank) {
  try {
    const auto at = nlohmann::json::parse(from->get_to_str(key_of("at", rank)));
    return "step " + std::to_string(at.value("step", int64_t{0})) + ", '" + at.value("what", "") + "' (process " +
           std::to_string(at.value("pid", 0)) + " on " + at.value("host", "") + ")";
  } catch (const std::exception&) {
    return "an unknown place";
  }
}

RankStore::RankStore(const Launch& launch, double timeout_seconds, double meeting) : impl_(std::make_shared<Impl>()) {
  impl_->launch = launch;
  impl_->timeout = timeout_seconds;
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(launch.port);
  options.isServer = launch.rank == 0 && !launch.store_is_hosted;
  options.waitWorkers = false;
  options.timeout = milliseconds(static_cast<int64_t>(1000 * meeting));
  c10::initLogging();  // takes TORCH_CPP_LOG_LEVEL
  const std::string place = launch.address + ":" + std::to_string(launch.port);
  try {
    auto tcp = c10::make_intrusive<c10d::TCPStore>(launch.address, options);
    const std::string prefix = "athanor/" + std::to_string(launch.attempt);
    impl_->beats = c10::make_intrusive<c10d::PrefixStore>(prefix, tcp->clone());
    impl_->store = c10::make_intrusive<c10d::PrefixStore>(prefix, std::move(tcp));
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kResource, "rank " + std::to_string(launch.rank) + " of " + std::to_string(launch.world) +
                    (options.isServer ? " cannot listen" : " did not reach rank 0") + ": " + first_line(error.what()),
                place,
                options.isServer ? "another program may have the port: set MASTER_PORT to a free one"
                                 : "check that rank 0 runs and that its machine is reached under this name");
  }
  const auto world = static_cast<size_t>(launch.world);
  impl_->seen.assign(world, monotonic_time());
  impl_->counts.assign(world, "0");
  enter(0, "start");
  set(key_of("alive", launch.rank), "0");
  const double begin = monotonic_time();
  for (int rank = 0; rank < launch.world; ++rank) {
    while (!get(key_of("alive", rank))) {
      check_interrupt();
      if (monotonic_time() - begin > meeting) {
        std::vector<int> missing;
        for (int other = 0; other < launch.world; ++other) {
          if (!get(key_of("alive", other))) {
            missing.push_back(other);
          }
        }
        throw Error(ErrorKind::kResource, list_of(missing) + " of " + std::to_string(launch.world) + " did not come within " +
                        fixed_number(meeting, 0) + " s",
                    place, "see what those processes said; all must be given the same address and world size");
      }
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  impl_->seen.assign(world, monotonic_time());
  impl_->answered = monotonic_time();
  impl_->thread = std::thread([impl = impl_] { impl->beat(); });
  impl_->watchdog = std::thread([impl = impl_] { impl->watch(); });
}

RankStore::~RankStore() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ending = true;
  }
  impl_->wake.notify_all();
  if (!impl_->thread.joinable()) {
    return;
  }
  impl_->watchdog.join();
  if (impl_->store_is_lost()) {
    impl_->thread.detach();  // it may wait for ever
  } else {
    impl_->thread.join();
  }
}

const Launch& RankStore::launch() const { return impl_->launch; }
double RankStore::timeout_seconds() const { return impl_->timeout; }
void RankStore::set_timeout(double seconds) { impl_->timeout = seconds; }

c10::intrusive_ptr<c10d::Store> RankStore::for_group() {
  return c10::make_intrusive<c10d::PrefixStore>("group/" + std::to_string(impl_->groups++), impl_->store);
}

template <class Fn>
auto RankStore::or_blame(const Fn& ask) {
  try {
    return ask();
  } catch (const std::exception& error) {
    blame(error.what());
  }
}

void RankStore::set(const std::string& key, const std::string& value) {
  or_blame([&] { impl_->store->set(key, value); });
}

std::optional<std::string> RankStore::get(const std::string& key) {
  return or_blame([&] { return impl_->store->check({key}) ? std::optional(impl_->store->get_to_str(key)) : std::nullopt; });
}

void RankStore::remove(const std::string& key) {
  or_blame([&] { return impl_->store->deleteKey(key); });
}

std::string RankStore::wait(const std::string& key, const std::string& what) {
  enter(impl_->step, what, false);
  milliseconds pause(2);
  for (;;) {
    if (auto value = get(key)) {
      return *value;
    }
    if (somebody_failed()) {
      blame("");
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, milliseconds(200));
  }
}

bool RankStore::somebody_failed() {
  const double patience = std::min<double>(impl_->timeout + kSilentSeconds, kGoneSeconds);
  try {
    return impl_->store->check({"failed"}) || impl_->store_is_lost() || !impl_->silent(patience).empty();
  } catch (const std::exception&) {
    return true;  // nobody can be asked any more
  }
}

std::string RankStore::from_rank_0(const std::string& what, const std::function<std::string()>& function) {
  const std::string key = "answer/" + std::to_string(impl_->answers++);
  enter(impl_->step, what);
  if (impl_->launch.rank != 0) {
    return wait(key, what);
  }
  std::string answer = function();
  set(key, answer);
  return answer;
}

void RankStore::meet(const std::string& name) {
  enter(impl_->step, name);
  const int64_t arrived = or_blame([&] { return impl_->store->add("met/" + name, 1); });
  const std::string round = std::to_string((arrived - 1) / impl_->launch.world);
  if (arrived % impl_->launch.world == 0) {
    set("meeting/" + name + "/" + round, "all");
  }
  wait("meeting/" + name + "/" + round, name);
}

void RankStore::enter(int64_t step, const std::string& collective, bool together) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->step = step;
    impl_->place = collective;
  }
  const nlohmann::json at{{"n", impl_->entered += together ? 1 : 0}, {"step", step}, {"what", collective},
                          {"pid", ::getpid()}, {"host", impl_->host}};
  set(key_of("at", impl_->launch.rank), at.dump());
}

// "" as long as nobody can be named.
std::string RankStore::Impl::blame_text(double since) {
  const std::string waiting = "; rank " + std::to_string(launch.rank) + " waits in step " + std::to_string(step) + ", '" +
                              place + "'";
  if (store_is_lost()) {
    return store_text();
  }
  const double waited = monotonic_time() - since;
  const std::vector<int> gone = silent(kSilentSeconds);
  if (!gone.empty() && waited > 1) {
    std::string text = list_of(gone) + (gone.size() == 1 ? " has died or hangs, last seen at " : " have died or hang, last seen at ");
    for (size_t i = 0; i < gone.size(); ++i) {
      text += (i == 0 ? "" : " and ") + where(beats, gone[i]);
    }
    return text + waiting;
  }
  if (waited < 1.5 * kSilentSeconds) {
    return "";
  }
  // All give signs of life: those that came least far keep the others waiting.
  uint64_t least = entered;
  std::vector<int> behind;
  for (int rank = 0; rank < launch.world; ++rank) {
    const auto at = nlohmann::json::parse(beats->get_to_str(key_of("at", rank)), nullptr, false);
    const uint64_t number = at.is_object() ? at.value("n", uint64_t{0}) : 0;
    if (number < least) {
      least = number;
      behind.clear();
    }
    if (number == least && number < entered) {
      behind.push_back(rank);
    }
  }
  if (behind.empty()) {
    return "a transfer failed though all ranks live: rank " + std::to_string((launch.rank + 1) % launch.world) + " is at " +
           where(beats, (launch.rank + 1) % launch.world) + waiting;
  }
  return list_of(behind) + " did not arrive within " + fixed_number(timeout, 0) + " s, and is at " +
         where(beats, behind.front()) + waiting;
}

// Who holds the store ends last: the others would else name it instead of the rank that is to blame.
void RankStore::Impl::let_others_read() {
  try {
    if (store_is_lost()) {
      return;
    }
    beats->add("failed_seen", 1);
    const double until = monotonic_time() + kSecondsToRead;
    while (launch.rank == 0 && monotonic_time() < until && beats->add("failed_seen", 0) < launch.world - 1) {
      std::this_thread::sleep_for(milliseconds(20));
    }
  } catch (const std::exception&) {
    // The store is gone: nobody reads any more.
  }
}

void RankStore::blame(const std::string& library) {
  const double since = monotonic_time();
  std::string text;
  try {
    const c10::intrusive_ptr<c10d::Store>& store = impl_->beats;  // a failed connection has its own replacement
    while (text.empty()) {
      if (!impl_->store_is_lost() && store->check({"failed"})) {
        text = store->get_to_str("failed");
        break;
      }
      text = impl_->blame_text(since);
      std::this_thread::sleep_for(milliseconds(text.empty() ? 100 : 0));
    }
    if (!impl_->store_is_lost()) {
      text = store->compareSet("failed", "", text);  // the first to know speaks for all
    }
  } catch (const std::exception&) {
    text = impl_->store_text();
  }
  impl_->let_others_read();
  throw Error(ErrorKind::kResource, text + (library.empty() ? "" : " (" + first_line(library).substr(0, 160) + ")"), "",
              "start all processes again: the run goes on from its last checkpoint");
}

void RankStore::say_failed(const Error& error) {
  const std::string text = "rank " + std::to_string(impl_->launch.rank) + " stopped at step " +
                           std::to_string(impl_->step) + ": " + error.where() + (error.where().empty() ? "" : ": ") +
                           error.message();
  try {
    if (!impl_->store_is_lost()) {
      impl_->beats->compareSet("failed", "", text);
    }
  } catch (const std::exception&) {
    // The store went first: the others know that already.
  }
}

}  // namespace athanor
