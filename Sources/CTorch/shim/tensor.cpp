// Creating tensors, describing them, moving their elements in and out, and views.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "internal.h"

using namespace ctorch;

namespace {
at::TensorOptions options(ct_dtype dtype, ct_device target) {
    return at::TensorOptions().dtype(scalar_type(dtype)).device(device(target));
}

at::TensorOptions host_options(ct_dtype dtype) { return at::TensorOptions().dtype(scalar_type(dtype)); }

// The memory of tensors over mapped files, by address, with its size.
std::unordered_map<void *, size_t> &mapped() {
    static auto *const regions = new std::unordered_map<void *, size_t>;
    return *regions;
}
std::mutex &mapped_lock() {
    static auto *const lock = new std::mutex;
    return *lock;
}

// Draws in float32 on the CPU, so that the numbers do not depend on the tensor's device.
template <class Fill>
ct_tensor drawn(const int64_t *shape, size_t rank, uint64_t seed, ct_dtype dtype, ct_device target, Fill &&fill) {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    at::Tensor tensor = at::empty(sizes(shape, rank), at::kFloat);
    fill(tensor, generator);
    return wrap(tensor.to(options(dtype, target)));
}
}  // namespace

ct_error ct_full(const int64_t *shape, size_t rank, double value, ct_dtype dtype, ct_device target, ct_tensor *out) {
    return guard("full", {}, [&] { *out = wrap(at::full(sizes(shape, rank), value, options(dtype, target))); });
}

ct_error ct_arange(double start, double end, double step, ct_dtype dtype, ct_device target, ct_tensor *out) {
    return guard("arange", {}, [&] { *out = wrap(at::arange(start, end, step, options(dtype, target))); });
}

ct_error ct_from_bytes(const void *bytes, size_t byte_count, const int64_t *shape, size_t rank, ct_dtype dtype,
                       ct_device target, ct_tensor *out) {
    return guard("from_bytes", {}, [&] {
        // From pinned memory nothing waits for the copy to a CUDA device. Large tensors are loaded once, and would keep that
        // memory.
        bool pinned = target.type == CT_CUDA && byte_count <= 1 << 20;
        at::Tensor tensor = at::empty(sizes(shape, rank), host_options(dtype).pinned_memory(pinned));
        TORCH_CHECK(tensor.nbytes() == byte_count, "shape ", tensor.sizes(), " needs ", tensor.nbytes(),
                    " bytes, got ", byte_count);
        if (byte_count > 0) std::memcpy(tensor.data_ptr(), bytes, byte_count);
        *out = wrap(tensor.to(device(target), /*non_blocking=*/pinned));
    });
}

ct_error ct_from_mapped(void *memory, size_t byte_count, const int64_t *shape, size_t rank, ct_dtype dtype, void *owner,
                        void (*release)(void *owner), ct_tensor *out) {
    return guard("from_mapped", {}, [&] {
        // Held by the deleter, which runs exactly once, even if there is no memory for the holder itself.
        std::shared_ptr<void> guardian(owner, release);
        at::Tensor tensor = at::from_blob(
            memory, sizes(shape, rank),
            [guardian](void *address) {
                std::lock_guard<std::mutex> lock(mapped_lock());
                mapped().erase(address);
            },
            host_options(dtype));
        TORCH_CHECK(tensor.nbytes() == byte_count, "shape ", tensor.sizes(), " needs ", tensor.nbytes(), " bytes, got ",
                    byte_count);
        {
            // From here on only a lack of memory can fail, and then the deleter takes it out again.
            std::lock_guard<std::mutex> lock(mapped_lock());
            mapped()[memory] = byte_count;
        }
        *out = wrap(std::move(tensor));
    });
}

void ct_release_pages(ct_tensor tensor) {
#if defined(__linux__)
    if (ct_version_of(tensor) != 0 || !tensor->value.has_storage()) return;
    auto begin = reinterpret_cast<uintptr_t>(tensor->value.const_data_ptr());
    std::lock_guard<std::mutex> lock(mapped_lock());
    auto found = mapped().find(reinterpret_cast<void *>(begin));
    if (found == mapped().end()) return;
    // Only whole pages: the others hold parts of other tensors.
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    uintptr_t first = (begin + page - 1) / page * page, last = (begin + found->second) / page * page;
    if (first < last) madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
#else
    (void)tensor;
#endif
}

ct_error ct_normal(const int64_t *shape, size_t rank, double mean, double standard_deviation, uint64_t seed,
                   ct_dtype dtype, ct_device target, ct_tensor *out) {
    return guard("normal", {}, [&] {
        *out = drawn(shape, rank, seed, dtype, target, [&](at::Tensor &tensor, at::Generator generator) {
            tensor.normal_(mean, standard_deviation, generator);
        });
    });
}

ct_error ct_uniform(const int64_t *shape, size_t rank, double low, double high, uint64_t seed, ct_dtype dtype,
                    ct_device target, ct_tensor *out) {
    return guard("uniform", {}, [&] {
        *out = drawn(shape, rank, seed, dtype, target, [&](at::Tensor &tensor, at::Generator generator) {
            tensor.uniform_(low, high, generator);
        });
    });
}

void ct_tensor_free(ct_tensor tensor) { delete tensor; }
size_t ct_rank(ct_tensor tensor) { return static_cast<size_t>(tensor->value.dim()); }

void ct_shape(ct_tensor tensor, int64_t *out) {
    auto shape = tensor->value.sizes();
    std::copy(shape.begin(), shape.end(), out);
}

int64_t ct_element_count(ct_tensor tensor) { return tensor->value.numel(); }
ct_dtype ct_tensor_dtype(ct_tensor tensor) { return dtype_code(tensor->value.scalar_type()); }

ct_device ct_tensor_device(ct_tensor tensor) {
    at::Device target = tensor->value.device();
    ct_device_type type = target.is_cpu() ? CT_CPU : target.is_cuda() ? CT_CUDA : target.is_mps() ? CT_MPS : CT_OTHER_DEVICE;
    return {type, type == CT_CPU ? -1 : target.index()};
}

bool ct_is_contiguous(ct_tensor tensor) { return tensor->value.is_contiguous(); }

ct_error ct_copy_to_bytes(ct_tensor tensor, void *bytes, size_t byte_count) {
    return guard("copy_to_bytes", {tensor}, [&] {
        at::Tensor host = tensor->value.detach().to(at::kCPU).contiguous();
        TORCH_CHECK(host.nbytes() == byte_count, "the tensor has ", host.nbytes(), " bytes, the buffer ", byte_count);
        if (byte_count > 0) std::memcpy(bytes, host.const_data_ptr(), byte_count);
    });
}

ct_error ct_item(ct_tensor tensor, double *out) {
    return guard("item", {tensor}, [&] { *out = tensor->value.item().toDouble(); });
}

int64_t ct_version_of(ct_tensor tensor) {
    // Inference tensors have no version counter; this package makes none.
    return tensor->value.is_inference() ? 0 : static_cast<int64_t>(tensor->value._version());
}

ct_error ct_to(ct_tensor a, ct_dtype dtype, ct_device target, ct_tensor *out) {
    return guard("to", {a}, [&] { *out = wrap(a->value.to(device(target), scalar_type(dtype))); });
}

ct_error ct_contiguous(ct_tensor a, ct_tensor *out) {
    return guard("contiguous", {a}, [&] { *out = wrap(a->value.contiguous()); });
}

ct_error ct_clone(ct_tensor a, ct_tensor *out) {
    return guard("clone", {a}, [&] { *out = wrap(a->value.clone()); });
}

ct_error ct_copy_(ct_tensor destination, ct_tensor source) {
    return guard("copy_", {destination, source}, [&] {
        TORCH_CHECK(destination->value.sizes() == source->value.sizes(), "the shapes differ");
        at::NoGradGuard no_grad;
        destination->value.copy_(source->value);
    });
}

ct_error ct_fill_(ct_tensor destination, double value) {
    return guard("fill_", {destination}, [&] {
        at::NoGradGuard no_grad;
        destination->value.fill_(value);
    });
}

ct_error ct_reshape(ct_tensor a, const int64_t *shape, size_t rank, ct_tensor *out) {
    return guard("reshape", {a}, [&] { *out = wrap(a->value.reshape(sizes(shape, rank))); });
}

ct_error ct_expand(ct_tensor a, const int64_t *shape, size_t rank, ct_tensor *out) {
    return guard("expand", {a}, [&] { *out = wrap(a->value.expand(sizes(shape, rank))); });
}

ct_error ct_permute(ct_tensor a, const int64_t *dims, size_t count, ct_tensor *out) {
    return guard("permute", {a}, [&] { *out = wrap(a->value.permute(sizes(dims, count))); });
}

ct_error ct_transpose(ct_tensor a, int64_t dim0, int64_t dim1, ct_tensor *out) {
    return guard("transpose", {a}, [&] { *out = wrap(a->value.transpose(dim0, dim1)); });
}

ct_error ct_narrow(ct_tensor a, int64_t dim, int64_t start, int64_t length, ct_tensor *out) {
    return guard("narrow", {a}, [&] { *out = wrap(a->value.narrow(dim, start, length)); });
}

ct_error ct_slice(ct_tensor a, int64_t dim, int64_t start, int64_t end, int64_t step, ct_tensor *out) {
    return guard("slice", {a}, [&] { *out = wrap(a->value.slice(dim, start, end, step)); });
}

ct_error ct_select(ct_tensor a, int64_t dim, int64_t index, ct_tensor *out) {
    return guard("select", {a}, [&] { *out = wrap(a->value.select(dim, index)); });
}

ct_error ct_squeeze(ct_tensor a, int64_t dim, ct_tensor *out) {
    return guard("squeeze", {a}, [&] { *out = wrap(a->value.squeeze(dim)); });
}

ct_error ct_unsqueeze(ct_tensor a, int64_t dim, ct_tensor *out) {
    return guard("unsqueeze", {a}, [&] { *out = wrap(a->value.unsqueeze(dim)); });
}

ct_error ct_cat(const ct_tensor *tensors, size_t count, int64_t dim, ct_tensor *out) {
    return guard("cat", {count > 0 ? tensors[0] : nullptr, count > 1 ? tensors[1] : nullptr},
                 [&] { *out = wrap(at::cat(list(tensors, count), dim)); });
}

ct_error ct_stack(const ct_tensor *tensors, size_t count, int64_t dim, ct_tensor *out) {
    return guard("stack", {count > 0 ? tensors[0] : nullptr, count > 1 ? tensors[1] : nullptr},
                 [&] { *out = wrap(at::stack(list(tensors, count), dim)); });
}

ct_error ct_pad_packed(ct_tensor packed, const int64_t *offsets, size_t offset_count, ct_tensor *out) {
    return guard("pad_packed", {packed}, [&] {
        const at::Tensor &tokens = packed->value;
        TORCH_CHECK(tokens.dim() == 2, "needs tokens of shape (T, H)");
        TORCH_CHECK(offset_count > 1, "needs at least one sequence");
        TORCH_CHECK(offsets[0] == 0 && offsets[offset_count - 1] == tokens.size(0),
                    "the offsets must go from 0 to the number of tokens");
        std::vector<int64_t> lengths;
        for (size_t index = 1; index < offset_count; ++index) {
            lengths.push_back(offsets[index] - offsets[index - 1]);
            TORCH_CHECK(lengths.back() >= 0, "the offsets must ascend");
        }
        auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
        // One split and one concatenation, so that the backward pass is one copy too.
        std::vector<at::Tensor> parts;
        at::Tensor zeros = at::zeros({*longest - *shortest, tokens.size(1)}, tokens.options());
        for (const at::Tensor &part : tokens.split_with_sizes(lengths)) {
            parts.push_back(part);
            if (part.size(0) < *longest) parts.push_back(zeros.narrow(0, 0, *longest - part.size(0)));
        }
        *out = wrap(at::cat(parts).reshape({static_cast<int64_t>(lengths.size()), *longest, tokens.size(1)}));
    });
}
