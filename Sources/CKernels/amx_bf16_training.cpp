// The kernels of a training step for the processors of amx_bf16.cpp.

#define CT_KERNELS "training.inl"
#include "amx_bf16.cpp"
