// The kernels of a training step for the processors of avx2.cpp.

#define CT_KERNELS "training.inl"
#include "avx2.cpp"
