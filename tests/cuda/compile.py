#!/usr/bin/env python3
"""Compiles every .cu file of the tree with nvcc alone, warnings as errors, and runs tests/cuda/on_gpu.cu where a GPU is.
Exit 77 (skipped) where there is no nvcc.

nvcc is looked for in $NVCC, in PATH, in $CUDA_HOME, and beside torch where a wheel of it brought one.
"""
import glob
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ARCHITECTURES = ["sm_80", "sm_90"]


def find_nvcc():
    candidates = [os.environ.get("NVCC"), shutil.which("nvcc")]
    for home in (os.environ.get("CUDA_HOME"), "/usr/local/cuda"):
        if home:
            candidates.append(os.path.join(home, "bin", "nvcc"))
    torch = importlib.util.find_spec("torch")
    if torch and torch.origin:
        site = os.path.dirname(os.path.dirname(torch.origin))
        candidates += sorted(glob.glob(os.path.join(site, "nvidia", "cu*", "bin", "nvcc")))
    return next((path for path in candidates if path and os.path.exists(path)), None)


def main():
    nvcc = find_nvcc()
    if nvcc is None:
        print("skipped: there is no nvcc")
        return 77
    sources = sorted(glob.glob(os.path.join(REPOSITORY, "athanor", "**", "*.cu"), recursive=True))
    sources += glob.glob(os.path.join(REPOSITORY, "tests", "cuda", "*.cu"))
    if not sources:
        sys.exit("there is no .cu file")
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            for architecture in ARCHITECTURES:
                command = [nvcc, "-std=c++17", "-Werror", "all-warnings", f"-arch={architecture}", f"-I{REPOSITORY}", "-c",
                           source, "-o", os.path.join(folder, "out.o")]
                result = subprocess.run(command, capture_output=True, text=True, check=False)
                if result.returncode != 0:
                    print(result.stdout + result.stderr)
                    return 1
            print(os.path.relpath(source, REPOSITORY), "compiles for", ", ".join(ARCHITECTURES))
        if not glob.glob("/dev/nvidia[0-9]*"):
            print("no GPU: nothing was run")
            return 0
        program = os.path.join(folder, "on_gpu")
        kernels = [source for source in sources if not source.endswith("on_gpu.cu")]
        build = [nvcc, "-std=c++17", "-O2", "-arch=native", f"-I{REPOSITORY}", "-o", program,
                 os.path.join(REPOSITORY, "tests", "cuda", "on_gpu.cu"), *kernels]
        return subprocess.run(build, check=False).returncode or subprocess.run([program], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
