// Information on the kernels for tests and measurements: their name, their speed, a product, their dropout masks.

#include <numeric>
#include <vector>

#include "kernels/parallel.h"
#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

const char *ct_kernels_name(void) { return k::table().name; }

ct_error ct_kernels_peak(bool bfloat16, double *out) {
    return guard("kernels_peak", {}, [&] {
        // All threads at once, as the kernels run; each measures itself.
        std::vector<double> rates(static_cast<size_t>(thread_count()));
        constexpr int64_t cost = 1'000'000'000;
        parallel_tasks(static_cast<int64_t>(rates.size()), cost,
                       [&](int64_t task) { rates[static_cast<size_t>(task)] = k::table().peak(bfloat16); });
        *out = std::accumulate(rates.begin(), rates.end(), 0.0);
    });
}

ct_error ct_kernels_product(bool bfloat16, ct_tensor left, ct_tensor right, ct_tensor *out) {
    return guard("kernels_product", {left, right}, [&] {
        const at::Tensor &x = left->value, &y = right->value;
        TORCH_CHECK(x.dim() == 2 && y.dim() == 2 && x.size(1) == y.size(1), "the shapes do not fit: (rows, length) and (columns, length)");
        int64_t rows = x.size(0), columns = y.size(0), length = x.size(1);
        check_float(x, {rows, length}, "the left operand");
        check_float(y, {columns, length}, "the right operand");
        at::Tensor packed = words(k::table().packed_words(bfloat16, columns, length)), result = floats({rows, columns});
        k::table().pack(bfloat16, true, data(y), columns, length, word_data(packed));
        k::table().product(bfloat16, data(x), rows, length, word_data(packed), columns, mutable_data(result));
        *out = wrap(result);
    });
}

ct_error ct_dropout_bits(int64_t rows, int64_t width, double probability, uint64_t seed, uint64_t offset, ct_tensor *out) {
    return guard("dropout_bits", {}, [&] {
        TORCH_CHECK(rows >= 0 && width > 0, "the shape must be positive");
        std::vector<uint16_t> bits(static_cast<size_t>(rows * k::mask_stride(width)));
        k::Mask m = kernel_mask(probability, seed, offset);
        k::training().mask_bits(m, rows, width, bits.data());
        at::Tensor keep = floats({rows, width});
        float *to = mutable_data(keep);
        for (int64_t r = 0; r < rows; ++r)
            for (int64_t c = 0; c < width; ++c)
                to[r * width + c] = bits[static_cast<size_t>(r * k::mask_stride(width) + c / 16)] >> (c % 16) & 1 ? m.scale : 0.0f;
        *out = wrap(keep);
    });
}
