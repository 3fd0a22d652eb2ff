#include "athanor/run/launch.h"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr int kMaxWorld = 1 << 16;
constexpr int kDefaultPort = 29500;  // torchrun's own

// The names under which one launcher says its numbers. The local pair may be missing.
struct Names {
  const char* launcher;
  const char* rank;
  const char* world;
  const char* local_rank;
  const char* local_world;
};

constexpr Names kTorchrun{"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"};
constexpr Names kSlurmStep{"slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE"};
constexpr Names kOpenMpi{"openmpi", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                         "OMPI_COMM_WORLD_LOCAL_SIZE"};
constexpr Names kMpich{"mpich", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"};

class Reader {
 public:
  explicit Reader(const Environment& environment) : environment_(environment) {}

  std::string text(const char* name) const {
    const char* const value = environment_(name);
    return value == nullptr ? "" : value;
  }
  bool has(const char* name) const { return !text(name).empty(); }

  std::optional<int> number(const char* name, int least, int most) const {
    const std::string value = text(name);
    if (value.empty()) {
      return std::nullopt;
    }
    int result = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (code != std::errc() || end != value.data() + value.size() || result < least || result > most) {
      throw Error(ErrorKind::kUsage, "'" + value + "' is not a number from " + std::to_string(least) + " to " +
                                         std::to_string(most),
                  name, "it comes from the launcher; unset it to run as one process");
    }
    return result;
  }

  // Rank and world of one launcher; nothing when neither is set. `both`: one alone is an error.
  std::optional<Launch> launch(const Names& names) const {
    const auto rank = number(names.rank, 0, kMaxWorld - 1);
    const auto world = number(names.world, 1, kMaxWorld);
    if (!rank && !world) {
      return std::nullopt;
    }
    if (!rank || !world) {
      throw Error(ErrorKind::kUsage,
                  std::string(rank ? names.rank : names.world) + " is set, " + (rank ? names.world : names.rank) + " is not",
                  names.launcher, "set both, or neither to run as one process");
    }
    if (*rank >= *world) {
      throw Error(ErrorKind::kUsage,
                  std::string(names.rank) + "=" + std::to_string(*rank) + " is not below " + names.world + "=" +
                      std::to_string(*world),
                  names.launcher, "ranks are counted from 0");
    }
    Launch result;
    result.rank = *rank;
    result.world = *world;
    result.launcher = names.launcher;
    return result;
  }

  // The place on this machine, where the launcher says it; else all are taken to be on one.
  void fill_local(Launch& launch, const Names& names) const {
    const auto rank = number(names.local_rank, 0, launch.world - 1);
    const auto world = number(names.local_world, 1, launch.world);
    launch.local_rank = rank.value_or(launch.rank);
    launch.local_world = world.value_or(launch.world);
    if (rank && world && *rank >= *world) {
      throw Error(ErrorKind::kUsage,
                  std::string(names.local_rank) + "=" + std::to_string(*rank) + " is not below " + names.local_world +
                      "=" + std::to_string(*world),
                  names.launcher, "local ranks are counted from 0 on each machine");
    }
  }

 private:
  const Environment& environment_;
};

void fill_address(Launch& launch, const Reader& reader, const std::string& otherwise, int otherwise_port) {
  launch.address = reader.has("MASTER_ADDR") ? reader.text("MASTER_ADDR") : otherwise;
  launch.port = reader.number("MASTER_PORT", 1, 65535).value_or(otherwise_port);
  if (launch.address.empty()) {
    throw Error(ErrorKind::kUsage, "MASTER_ADDR is not set, and the processes are on several machines", launch.launcher,
                "set MASTER_ADDR to the machine of rank 0 (mpirun -x MASTER_ADDR=...)");
  }
}

// srun's "4" or "4(x2),3": how many tasks a node has, where all have the same.
int tasks_a_node(const std::string& text, int world) {
  int count = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  const bool uniform = code == std::errc() && count >= 1 && rest.find(',') == std::string_view::npos;
  return uniform && count <= world ? count : 1;
}

Launch slurm_launch(const Reader& reader) {
  Names names = kSlurmStep;
  Launch launch = reader.launch(names).value();
  launch.local_rank = reader.number("SLURM_LOCALID", 0, launch.world - 1).value_or(launch.rank);
  launch.local_world = launch.local_rank + 1;
  if (reader.has("SLURM_STEP_TASKS_PER_NODE")) {
    launch.local_world = std::max(launch.local_world, tasks_a_node(reader.text("SLURM_STEP_TASKS_PER_NODE"), launch.world));
  }
  std::string host;
  for (const char* name : {"SLURM_STEP_NODELIST", "SLURM_NODELIST", "SLURM_JOB_NODELIST"}) {
    if (host.empty() && reader.has(name)) {
      host = first_host(reader.text(name));
    }
  }
  const int job = reader.number("SLURM_JOB_ID", 0, 1 << 30).value_or(0);
  fill_address(launch, reader, host.empty() ? reader.text("SLURM_LAUNCH_NODE_IPADDR") : host, 20000 + job % 20000);
  return launch;
}

Launch torchrun_launch(const Reader& reader, Launch launch) {
  reader.fill_local(launch, kTorchrun);
  for (const char* name : {"MASTER_ADDR", "MASTER_PORT"}) {
    if (launch.world > 1 && !reader.has(name)) {
      throw Error(ErrorKind::kUsage, std::string("RANK and WORLD_SIZE are set, ") + name + " is not", launch.launcher,
                  "set MASTER_ADDR and MASTER_PORT to a place on rank 0's machine, or unset RANK and WORLD_SIZE");
    }
  }
  fill_address(launch, reader, "127.0.0.1", kDefaultPort);
  launch.store_is_hosted = reader.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  launch.attempt = reader.number("TORCHELASTIC_RESTART_COUNT", 0, 1 << 30).value_or(0);
  return launch;
}

Launch mpi_launch(const Reader& reader, Launch launch, const Names& names) {
  reader.fill_local(launch, names);
  fill_address(launch, reader, launch.local_world == launch.world ? "127.0.0.1" : "", kDefaultPort);
  return launch;
}

}  // namespace

std::string first_host(const std::string& node_list) {
  const size_t end = node_list.find_first_of(",[");
  std::string host = node_list.substr(0, end);
  if (end != std::string::npos && node_list[end] == '[') {
    const size_t close = node_list.find_first_of(",-]", end + 1);
    const size_t bracket = node_list.find(']', end);
    if (close == std::string::npos || bracket == std::string::npos || close == end + 1) {
      throw Error(ErrorKind::kUsage, "is not a list of nodes: '" + node_list + "'", "slurm",
                  "set MASTER_ADDR to the machine of rank 0");
    }
    host += node_list.substr(end + 1, close - end - 1);
    host += node_list.substr(bracket + 1, node_list.find(',', bracket) - bracket - 1);
  }
  if (host.empty() || host.find_first_of(" []") != std::string::npos) {
    throw Error(ErrorKind::kUsage, "is not a list of nodes: '" + node_list + "'", "slurm",
                "set MASTER_ADDR to the machine of rank 0");
  }
  return host;
}

Launch read_launch(const Environment& environment) {
  const Reader reader(environment);
  if (const auto launch = reader.launch(kTorchrun)) {
    return torchrun_launch(reader, *launch);
  }
  const auto open_mpi = reader.launch(kOpenMpi);
  const auto mpich = reader.launch(kMpich);
  if (open_mpi && mpich && (open_mpi->rank != mpich->rank || open_mpi->world != mpich->world)) {
    throw Error(ErrorKind::kUsage,
                "OMPI_COMM_WORLD_* says rank " + std::to_string(open_mpi->rank) + " of " +
                    std::to_string(open_mpi->world) + ", PMI_* says " + std::to_string(mpich->rank) + " of " +
                    std::to_string(mpich->world),
                "the launcher's environment", "unset the variables of the one that did not start this process");
  }
  if (open_mpi) {
    return mpi_launch(reader, *open_mpi, kOpenMpi);
  }
  // srun sets the step's count; the batch script itself, which is one process, has SLURM_PROCID=0 without it.
  if (reader.has("SLURM_PROCID") && reader.has("SLURM_STEP_NUM_TASKS")) {
    return slurm_launch(reader);
  }
  if (mpich) {
    return mpi_launch(reader, *mpich, kMpich);
  }
  return {};
}

Launch read_launch() {
  return read_launch([](const char* name) -> const char* { return std::getenv(name); });
}

}  // namespace athanor
