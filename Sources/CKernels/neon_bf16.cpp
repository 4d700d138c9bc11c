// The kernels for ARM processors with the matrix products of int8 and bfloat16 (Armv8.6; in Neoverse V1 and N2, Apple M2).

#if defined(__aarch64__)
#include "common.h"

#ifndef CT_KERNELS
#define CT_KERNELS "inference.inl"
#endif

#define CT_AVX512 0
#define CT_BF16 0
#define CT_VNNI 0
#define CT_AVX2 0
#define CT_AMX 0
#define CT_NEON 1
#define CT_DOTPROD 1
#define CT_I8MM 1
#define CT_BFMMLA 1
#define CT_PANEL_ROWS 6
#define CT_NAMESPACE neon_bf16
#define CT_NAME "neon_bf16"
#pragma clang attribute push(__attribute__((target("dotprod,i8mm,bf16"))), apply_to = function)
#include CT_KERNELS
#pragma clang attribute pop
#endif
