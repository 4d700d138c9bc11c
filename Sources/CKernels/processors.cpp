// The number of processors that this process may use.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "kernels/parallel.h"

namespace ctorch {
namespace {

#if defined(__linux__)

int processors_by_affinity() {
    // Machines may have more processors than fit the usual set.
    for (int capacity = 1024; capacity <= 1 << 20; capacity *= 4) {
        cpu_set_t *set = CPU_ALLOC(capacity);
        if (!set) break;
        size_t size = CPU_ALLOC_SIZE(capacity);
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return static_cast<int>(std::thread::hardware_concurrency());
}

std::string first_line(const std::string &path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// Processors granted by "quota period" (cgroup v2's cpu.max); 0 for "max" and if there is no such file.
double quota_of(const std::string &directory) {
    long long quota = 0, period = 0;
    if (std::sscanf(first_line(directory + "/cpu.max").c_str(), "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
        return static_cast<double>(quota) / static_cast<double>(period);
    if (std::sscanf(first_line(directory + "/cpu.cfs_quota_us").c_str(), "%lld", &quota) == 1 && quota > 0 &&
        std::sscanf(first_line(directory + "/cpu.cfs_period_us").c_str(), "%lld", &period) == 1 && period > 0)
        return static_cast<double>(quota) / static_cast<double>(period);
    return 0;
}

// The smallest quota of this process's control group and its ancestors; 0 without one.
double processors_by_quota() {
    double least = 0;
    auto climb = [&](std::string root, std::string path) {
        for (;;) {
            double quota = quota_of(root + path);
            if (quota > 0 && (least == 0 || quota < least)) least = quota;
            size_t slash = path.rfind('/');
            if (path.empty() || slash == std::string::npos) return;
            path.resize(slash);
        }
    };
    // Lines are "0::/path" (version 2) and "4:cpu,cpuacct:/path" (version 1).
    std::ifstream file("/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        size_t first = line.find(':'), second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
        if (path == "/") path.clear();
        if (controllers.empty()) {
            climb("/sys/fs/cgroup", path);
            climb("/sys/fs/cgroup/unified", path);
        } else if ((',' + controllers + ',').find(",cpu,") != std::string::npos) {
            climb("/sys/fs/cgroup/cpu", path);
            climb("/sys/fs/cgroup/" + controllers, path);
        }
    }
    return least;
}

#endif

}  // namespace

int available_processors() {
#if defined(__linux__)
    int count = processors_by_affinity();
    double quota = processors_by_quota();
    if (quota > 0) count = std::min(count, static_cast<int>(std::ceil(quota - 1e-9)));
    return std::max(1, count);
#else
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#endif
}

}  // namespace ctorch
