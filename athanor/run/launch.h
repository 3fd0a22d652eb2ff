// Which process of several this one is, as the launcher's environment says: torchrun, Slurm (srun), Open MPI, MPICH and
// Intel MPI (Hydra). Rank and address never stand in a recipe.
//
//   torchrun --no-python athanor run recipe.yaml     RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE MASTER_ADDR MASTER_PORT
//   srun athanor run recipe.yaml                     SLURM_PROCID SLURM_STEP_NUM_TASKS (or SLURM_NTASKS) SLURM_LOCALID
//                                                    SLURM_STEP_NODELIST (or SLURM_NODELIST), SLURM_JOB_ID for the port
//   mpirun athanor run recipe.yaml                   OMPI_COMM_WORLD_RANK _SIZE _LOCAL_RANK _LOCAL_SIZE, or
//                                                    PMI_RANK PMI_SIZE MPI_LOCALRANKID MPI_LOCALNRANKS
//
// RANK and WORLD_SIZE, where they stand, count before the others: torchrun is itself started by srun or mpirun. An
// sbatch script that calls athanor without srun is one process, not the first of several.
#pragma once

#include <functional>
#include <string>

namespace athanor {

struct Launch {
  int rank = 0;
  int world = 1;
  int local_rank = 0;   // among the processes of this machine
  int local_world = 1;  // how many those are
  std::string address;  // where rank 0 is met; a name or an IP
  int port = 0;
  std::string launcher;        // "torchrun", "slurm", "openmpi", "mpich"; "" for one process without one
  bool store_is_hosted = false;  // the launcher itself listens at address:port (torchrun's agent)
  int attempt = 0;             // torchrun's count of restarts: each begins with clean keys

  bool alone() const { return world == 1; }
};

// A variable's value; null when it is not set.
using Environment = std::function<const char*(const char* name)>;

// Error(kUsage) for variables that are half there, not numbers, out of range, or of two launchers that contradict each
// other; it names them and what to do. An environment without any of them: one process.
Launch read_launch(const Environment& environment);
Launch read_launch();  // of this process

// The first host of Slurm's compressed list: "gpu[03-07,9],login" -> "gpu03". Error(kUsage) for a list that is none.
std::string first_host(const std::string& node_list);

}  // namespace athanor
