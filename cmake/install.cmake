# Installation: see `make install` and `make dist`.
