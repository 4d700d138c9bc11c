#include "tile_permission.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ctorch::kernels {

bool may_use_tiles() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    // AMX-BF16 and AMX-TILE.
    constexpr unsigned needed = 1u << 22 | 1u << 24;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & needed) != needed) return false;
    // ARCH_REQ_XCOMP_PERM for XFEATURE_XTILEDATA; fails where the operating system does not support AMX.
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

}  // namespace ctorch::kernels
#else
namespace ctorch::kernels {

bool may_use_tiles() { return false; }

}  // namespace ctorch::kernels
#endif
