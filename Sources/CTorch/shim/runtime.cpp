// Errors, element types, devices and the library's global state.

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <new>
#include <sstream>

#include "internal.h"
#include "kernels/parallel.h"

namespace {
std::atomic<int64_t> live_tensors{0};

// Held while the number of threads is set for a while: without turns, one of two such scopes would restore the other's
// number for good.
std::recursive_mutex &threads_turn() {
    static std::recursive_mutex mutex;
    return mutex;
}

void set_threads(int32_t count) {
    at::set_num_threads(count);
    ctorch::set_thread_count(count);
}

struct DTypePair {
    ct_dtype code;
    at::ScalarType type;
    const char *name;
};

constexpr DTypePair dtype_pairs[] = {
    {CT_BOOL, at::kBool, "bool"},          {CT_UINT8, at::kByte, "uint8"},
    {CT_INT8, at::kChar, "int8"},          {CT_INT16, at::kShort, "int16"},
    {CT_INT32, at::kInt, "int32"},         {CT_INT64, at::kLong, "int64"},
    {CT_FLOAT16, at::kHalf, "float16"},    {CT_BFLOAT16, at::kBFloat16, "bfloat16"},
    {CT_FLOAT32, at::kFloat, "float32"},   {CT_FLOAT64, at::kDouble, "float64"},
};

void describe(std::ostringstream &text, const at::Tensor &tensor) {
    const char *name = "other";
    for (const auto &pair : dtype_pairs)
        if (pair.type == tensor.scalar_type()) name = pair.name;
    text << name << tensor.sizes();
}

// A training step allocates and frees the same large buffers over and over. By default glibc returns each to the kernel, whose
// zeroing of fresh pages then costs up to a third of an element-wise operation: keep them instead.
#if defined(__GLIBC__)
[[maybe_unused]] const bool allocator_is_set = [] {
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
    return true;
}();
#endif

// Returned when there is no memory left even for a message.
ct_error_s out_of_memory_error{CT_ERROR_OUT_OF_MEMORY, "out of memory"};

ct_error make_error(ct_error_kind_t kind, const char *operation, std::initializer_list<ct_tensor> inputs,
                    const char *reason) noexcept {
    try {
        std::ostringstream text;
        text << operation << '(';
        const char *separator = "";
        for (ct_tensor input : inputs) {
            if (!input) continue;
            text << separator;
            describe(text, input->value);
            separator = ", ";
        }
        // One line: the text after libtorch's first line is about its own sources.
        const char *end = std::strchr(reason, '\n');
        text << "): " << std::string(reason, end ? static_cast<size_t>(end - reason) : std::strlen(reason));
        return new ct_error_s{kind, text.str()};
    } catch (...) {
        return &out_of_memory_error;
    }
}
}  // namespace

ct_tensor_s::ct_tensor_s(at::Tensor tensor) : value(std::move(tensor)) { ++live_tensors; }
ct_tensor_s::~ct_tensor_s() { --live_tensors; }

namespace ctorch {

bool is_ampere() { return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8(); }

ct_error failure(const char *operation, std::initializer_list<ct_tensor> inputs) noexcept {
    try {
        throw;
    } catch (const CommunicationError &error) {
        return make_error(CT_ERROR_COMMUNICATION, operation, inputs, error.what());
    } catch (const c10::OutOfMemoryError &error) {
        // Without libtorch's advice on its own variables.
        std::string reason = error.what_without_backtrace();
        if (size_t end = reason.find(" Including non-PyTorch memory"); end != std::string::npos) reason.resize(end);
        return make_error(CT_ERROR_OUT_OF_MEMORY, operation, inputs, reason.c_str());
    } catch (const c10::IndexError &error) {
        return make_error(CT_ERROR_INDEX, operation, inputs, error.what_without_backtrace());
    } catch (const c10::Error &error) {
        // libtorch reports a failed allocation on the CPU as a plain error.
        const char *reason = error.what_without_backtrace();
        bool memory = std::strstr(reason, "can't allocate memory") || std::strstr(reason, "not enough memory");
        return make_error(memory ? CT_ERROR_OUT_OF_MEMORY : CT_ERROR_OPERATION, operation, inputs, reason);
    } catch (const std::bad_alloc &) {
        return make_error(CT_ERROR_OUT_OF_MEMORY, operation, inputs, "out of memory");
    } catch (const std::exception &error) {
        return make_error(CT_ERROR_INTERNAL, operation, inputs, error.what());
    } catch (...) {
        return make_error(CT_ERROR_INTERNAL, operation, inputs, "an unknown C++ exception");
    }
}

std::vector<at::Tensor> list(const ct_tensor *tensors, size_t count) {
    std::vector<at::Tensor> result;
    result.reserve(count);
    for (size_t i = 0; i < count; ++i) result.push_back(tensors[i]->value);
    return result;
}

at::ScalarType scalar_type(ct_dtype dtype) {
    for (const auto &pair : dtype_pairs)
        if (pair.code == dtype) return pair.type;
    TORCH_CHECK(false, "unknown dtype code ", static_cast<int>(dtype));
}

ct_dtype dtype_code(at::ScalarType type) {
    for (const auto &pair : dtype_pairs)
        if (pair.type == type) return pair.code;
    return CT_OTHER_DTYPE;
}

at::Device device(ct_device device) {
    auto index = static_cast<c10::DeviceIndex>(device.index);
    TORCH_CHECK(index == device.index && index >= -1, "no device has the index ", device.index);
    switch (device.type) {
    case CT_CPU: return at::Device(at::kCPU);
    case CT_CUDA: return at::Device(at::kCUDA, index);
    case CT_MPS: return at::Device(at::kMPS, index);
    default: TORCH_CHECK(false, "unknown device code ", static_cast<int>(device.type));
    }
}

}  // namespace ctorch

using namespace ctorch;

ct_error_kind_t ct_error_kind(ct_error error) { return error->kind; }
const char *ct_error_message(ct_error error) { return error->message.c_str(); }
void ct_error_free(ct_error error) {
    if (error != &out_of_memory_error) delete error;
}

const char *ct_version(void) { return TORCH_VERSION; }

const char *ct_cpu_capability(void) {
    static const std::string capability = at::get_cpu_capability();
    return capability.c_str();
}

bool ct_has_fast_bfloat16(ct_device target) {
    try {
        switch (target.type) {
        case CT_CUDA: return at::detail::getCUDAHooks().deviceCount() > 0 && ctorch::is_ampere();
        default: return false;
        }
    } catch (...) {
        return false;
    }
}

int64_t ct_live_tensors(void) { return live_tensors.load(); }

// libtorch for CUDA has its CUDA part in a separate library, which registers itself when it is loaded. The program links only
// to the other part, so that it also starts without a driver.
static void load_cuda() {
    [[maybe_unused]] static void *const library = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
}

int32_t ct_device_count(ct_device_type type) {
    try {
        switch (type) {
        case CT_CPU: return 1;
        case CT_CUDA:
            load_cuda();
            return at::hasCUDA() ? static_cast<int32_t>(at::detail::getCUDAHooks().deviceCount()) : 0;
        case CT_MPS: return at::hasMPS() ? 1 : 0;
        default: return 0;
        }
    } catch (...) {
        return 0;
    }
}

ct_error ct_synchronize(ct_device target) {
    return guard("synchronize", {}, [&] {
        at::Device which = device(target);
        if (which.is_cpu()) return;
        c10::impl::VirtualGuardImpl implementation(which.type());
        implementation.synchronizeDevice(which.has_index() ? which.index() : implementation.getDevice().index());
    });
}

namespace {
// A device's allocator and index, if it keeps statistics.
std::pair<c10::DeviceAllocator *, c10::DeviceIndex> allocator_of(ct_device target) {
    at::Device which = device(target);
    if (which.is_cpu()) return {nullptr, 0};
    c10::impl::VirtualGuardImpl implementation(which.type());
    return {c10::getDeviceAllocator(which.type()), which.has_index() ? which.index() : implementation.getDevice().index()};
}
}  // namespace

ct_error ct_device_memory(ct_device target, int64_t *now, int64_t *peak) {
    return guard("device_memory", {}, [&] {
        *now = *peak = 0;
        auto [allocator, index] = allocator_of(target);
        if (!allocator || !allocator->initialized()) return;
        auto stats = allocator->getDeviceStats(index);
        auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
        *now = stats.allocated_bytes[all].current, *peak = stats.reserved_bytes[all].peak;
    });
}

ct_error ct_empty_cache(ct_device target) {
    return guard("empty_cache", {}, [&] {
        auto [allocator, index] = allocator_of(target);
        if (allocator && allocator->initialized()) allocator->emptyCache();
    });
}

ct_error ct_reset_peak_memory(ct_device target) {
    return guard("reset_peak_memory", {}, [&] {
        auto [allocator, index] = allocator_of(target);
        if (allocator && allocator->initialized()) allocator->resetPeakStats(index);
    });
}

namespace {
// The number outside of turns, once one has begun; 0 before.
std::atomic<int32_t> outside_turns{0};
thread_local int32_t turns = 0;  // of this thread
}  // namespace

int32_t ct_num_threads(void) {
    if (turns > 0) return thread_count();
    // Read first: another thread's turn may begin meanwhile.
    int32_t count = thread_count(), outside = outside_turns.load();
    return outside > 0 ? outside : count;
}

ct_error ct_set_num_threads(int32_t count) {
    return guard("set_num_threads", {}, [&] {
        std::lock_guard turn(threads_turn());
        set_threads(count);
        if (turns == 0) outside_turns = count;
    });
}

ct_error ct_begin_threads(int32_t count, int32_t *before) {
    return guard("set_num_threads", {}, [&] {
        std::unique_lock turn(threads_turn());
        int previous = thread_count();
        if (turns == 0) outside_turns = previous;
        set_threads(count);
        *before = previous;
        ++turns;
        turn.release();
    });
}

void ct_end_threads(int32_t before) {
    try {
        set_threads(before);
    } catch (...) {
        // The number was in force before.
    }
    --turns;
    threads_turn().unlock();
}

int32_t ct_available_processors(void) { return available_processors(); }
