// Marks a hot function that the compiler builds for AVX2 too; the loader picks. The AVX2 build has
// no FMA, so both give the same bits.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define A2A3SIM_MULTIVERSION __attribute__((target_clones("avx2", "default")))
#else
#define A2A3SIM_MULTIVERSION
#endif
