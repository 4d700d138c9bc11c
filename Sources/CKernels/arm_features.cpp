#include "arm_features.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

namespace ctorch::kernels {

ArmFeatures arm_features() {
    // HWCAP_ASIMDDP, HWCAP2_I8MM and HWCAP2_BF16, which older headers do not name.
    unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    return {.dot_products = (first >> 20 & 1) != 0, .int8_products = (second >> 13 & 1) != 0, .bfloat16_products = (second >> 14 & 1) != 0};
}

}  // namespace ctorch::kernels
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>

#include <cstddef>

namespace ctorch::kernels {
namespace {

bool has(const char *name) {
    int value = 0;
    std::size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}

}  // namespace

ArmFeatures arm_features() {
    return {.dot_products = has("hw.optional.arm.FEAT_DotProd"),
            .int8_products = has("hw.optional.arm.FEAT_I8MM"),
            .bfloat16_products = has("hw.optional.arm.FEAT_BF16")};
}

}  // namespace ctorch::kernels
#else
namespace ctorch::kernels {

ArmFeatures arm_features() { return {}; }

}  // namespace ctorch::kernels
#endif
