// What this machine and this process are: for run.json, doctor, and the memory figures of reports.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace athanor {

std::string host_name();
std::string cpu_model();
// The widest of "amx-bf16", "avx512-bf16", "avx512", "avx2", "baseline" that this CPU runs.
std::string instruction_set();
uint64_t memory_bytes();        // physical, or what the control group allows where that is less
uint64_t available_memory_bytes();  // of it, what can be had without pushing others out
uint64_t peak_memory_bytes();   // this process's VmHWM
// Gives freed memory back and starts peak_memory_bytes() anew from what is resident now, so that one step of many in a
// process can be measured. Where the kernel refuses, the old peak stays.
void reset_peak_memory();
uint64_t resident_bytes();      // this process's VmRSS
std::string executable_path();  // of this process

// {"host", "cpu", "cores", "instruction_set", "memory_bytes", "kernel", "os"}
nlohmann::json machine_json();

}  // namespace athanor
