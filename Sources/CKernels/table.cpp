// Chooses the kernels for this processor.

#include "kernels/table.h"

#include <cstdlib>
#include <cstring>

#include "tile_permission.h"

namespace ctorch::kernels {

#if defined(__x86_64__)
namespace amx_bf16 { const Table &table(); }
namespace avx512_bf16 { const Table &table(); }
namespace avx512 { const Table &table(); }
namespace avx2 { const Table &table(); }
#endif
namespace any { const Table &table(); }

namespace {

struct Choice {
    const char *name;
    bool supported;
    const Table &(*table)();
};

const Table &choose() {
#if defined(__x86_64__)
    const bool avx512_bf16_supported = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#endif
    const Choice choices[] = {
#if defined(__x86_64__)
        {"amx_bf16", avx512_bf16_supported && may_use_tiles(), amx_bf16::table},
        {"avx512_bf16", avx512_bf16_supported, avx512_bf16::table},
        {"avx512", bool(__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")), avx512::table},
        {"avx2", bool(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")), avx2::table},
#endif
        {"default", true, any::table},
    };
    const char *wanted = std::getenv("DISTILL_CPU_CAPABILITY");
    bool reached = true;
    if (wanted)
        for (const Choice &choice : choices) reached = reached && std::strcmp(choice.name, wanted) != 0;
    // An unknown name selects nothing.
    bool any_name = !wanted || reached;
    for (const Choice &choice : choices) {
        any_name = any_name || std::strcmp(choice.name, wanted) == 0;
        if (any_name && choice.supported) return choice.table();
    }
    return any::table();
}

}  // namespace

const Table &table() {
    static const Table &chosen = choose();
    return chosen;
}

int64_t int8_levels() {
#if defined(__x86_64__)
    static const bool has_vnni = __builtin_cpu_supports("avx512vnni") || __builtin_cpu_supports("avxvnni");
    return has_vnni ? 127 : 63;
#else
    return 127;
#endif
}

}  // namespace ctorch::kernels
