// The kernels of a training step for the processors of default.cpp.

#define CT_KERNELS "training.inl"
#include "default.cpp"
