// The kernels for processors with AMX: bfloat16 products on its tiles, all else as with AVX512.

#if defined(__x86_64__)
#include "common.h"

#ifndef CT_KERNELS
#define CT_KERNELS "inference.inl"
#endif

#define CT_AVX512 1
#define CT_BF16 1
#define CT_VNNI 1
#define CT_AVX2 1
#define CT_AMX 1
#define CT_PANEL_ROWS 14
#define CT_NAMESPACE amx_bf16
#define CT_NAME "amx_bf16"
#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni,avx2,fma,f16c,bmi2"), min_vector_width(512))), apply_to = function)
#include CT_KERNELS
#pragma clang attribute pop
#endif
