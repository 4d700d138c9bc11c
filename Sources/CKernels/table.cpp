// Chooses the kernels for this processor.

#include "kernels/table.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "arm_features.h"
#include "tile_permission.h"

namespace ctorch::kernels {

#if defined(__x86_64__)
namespace amx_bf16 { const Table &table(); }
namespace avx512_bf16 { const Table &table(); }
namespace avx512 { const Table &table(); }
namespace avx2 { const Table &table(); }
#elif defined(__aarch64__)
namespace neon_bf16 { const Table &table(); }
namespace neon_i8mm { const Table &table(); }
namespace neon_dotprod { const Table &table(); }
namespace neon { const Table &table(); }
#endif
namespace any { const Table &table(); }

namespace {

constexpr const char *variable = "DISTILL_CPU_CAPABILITY";

struct Choice {
    const char *name;
    bool supported;
    const Table &(*table)();
};

// The best first.
const std::vector<Choice> &choices() {
#if defined(__x86_64__)
    const bool avx512_bf16_supported = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#elif defined(__aarch64__)
    const ArmFeatures arm = arm_features();
    const bool int8_products = arm.dot_products && arm.int8_products;
#endif
    static const std::vector<Choice> all = {
#if defined(__x86_64__)
        {"amx_bf16", avx512_bf16_supported && may_use_tiles(), amx_bf16::table},
        {"avx512_bf16", avx512_bf16_supported, avx512_bf16::table},
        {"avx512", bool(__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")), avx512::table},
        {"avx2", bool(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")), avx2::table},
#elif defined(__aarch64__)
        {"neon_bf16", int8_products && arm.bfloat16_products, neon_bf16::table},
        {"neon_i8mm", int8_products, neon_i8mm::table},
        {"neon_dotprod", arm.dot_products, neon_dotprod::table},
        {"neon", true, neon::table},
#endif
        {"default", true, any::table},
    };
    return all;
}

// The best that the processor has, from the named one on where it is known.
const Table &choose() {
    const char *wanted = std::getenv(variable);
    bool known = false;
    for (const Choice &choice : choices()) known = known || (wanted && std::strcmp(choice.name, wanted) == 0);
    bool reached = !known;
    for (const Choice &choice : choices()) {
        reached = reached || std::strcmp(choice.name, wanted) == 0;
        if (reached && choice.supported) return choice.table();
    }
    return any::table();
}

std::string describe_problem() {
    const char *wanted = std::getenv(variable);
    // `libtorch` is for the programs that have it.
    if (!wanted || std::strcmp(wanted, "libtorch") == 0) return "";
    std::string names;
    for (const Choice &choice : choices()) {
        if (std::strcmp(choice.name, wanted) == 0 && choice.supported) return "";
        if (choice.supported) names += (names.empty() ? "" : ", ") + std::string(choice.name);
    }
    return std::string(variable) + " is \"" + wanted + "\", which this processor does not have; it has " + names +
           ": name one of them, or unset the variable";
}

}  // namespace

const Table &table() {
    static const Table &chosen = choose();
    return chosen;
}

const char *capability_problem() {
    static const std::string problem = describe_problem();
    return problem.empty() ? nullptr : problem.c_str();
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
