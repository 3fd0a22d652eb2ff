// Empty: gives the precompiled headers a target to be built for.
