// What an ARM processor has beyond NEON, which every 64-bit one has.
#pragma once

namespace ctorch::kernels {

struct ArmFeatures {
    bool dot_products = false;       // SDOT: FEAT_DotProd
    bool int8_products = false;      // SMMLA: FEAT_I8MM
    bool bfloat16_products = false;  // BFMMLA: FEAT_BF16
};

// As the operating system tells; nothing elsewhere than on Linux and Apple's systems.
ArmFeatures arm_features();

}  // namespace ctorch::kernels
