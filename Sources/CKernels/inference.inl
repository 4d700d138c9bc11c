// The kernels of a forward pass, for the instruction set that the including file names:
//   CT_AVX512, CT_BF16, CT_VNNI, CT_AVX2, CT_AMX   what intrinsics may be used
//   CT_NEON, CT_DOTPROD, CT_I8MM, CT_BFMMLA        the same on ARM; what is not defined is not used
//   CT_PANEL_ROWS        rows of a tile: as many as the registers hold sums for; bfloat16 on AMX has its own
//   CT_NAMESPACE, CT_NAME, CT_TARGET
// The including file defines CT_BEGIN_TARGET and CT_END_TARGET around this where it needs more than the default.

namespace ctorch::kernels::CT_NAMESPACE {
namespace {

#include "shared.inl"
#include "mixed.inl"
#include "linear.inl"
#include "embeddings.inl"
#include "rms_norm.inl"
#include "projection.inl"
#include "blocks.inl"
#include "causal_attention.inl"
#include "causal_cache.inl"
#include "decoder_rows.inl"
#include "decoder_layer.inl"
#include "elements.inl"
#include "prenorm.inl"
#include "rounding.inl"

template <class S>
int64_t packed_words(int64_t columns, int64_t length) {
    return right_words<S>(columns, length);
}

template <class S>
void pack(bool transposed, const float *weight, int64_t columns, int64_t length, uint32_t *to) {
    parallel_tasks(panels_of(columns), element_cost(length * 32), [&](int64_t p) {
        if (transposed) pack_right_transposed<S>(weight, length, columns, length, p, p + 1, to);
        else pack_right<S>(weight, columns, columns, length, p, p + 1, to);
    });
}

template <class S>
void product(const float *left, int64_t rows, int64_t length, const uint32_t *right, int64_t columns, float *to) {
    uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, length));
    pack_left<S>(left, length, rows, length, packed);
    multiply_to<S>(packed, rows, length, right, columns, to, columns);
}

template <class S>
double peak() {
    // Both panels must fit into the first cache.
    constexpr int64_t rows = panel_rows<S>, length = on_tiles<S> ? 128 : 256;
    uint32_t *left = scratch<uint32_t>(Slot::block_left, rows * length), *right = scratch<uint32_t>(Slot::block_inner, 32 * length);
    std::fill(left, left + rows * length, 0u);
    std::fill(right, right + 32 * length, 0u);
    alignas(64) float tile[rows * 32];
    TileShapes<S> shapes(rows);
    double best = 0;
    for (int round = 0; round < 8; ++round) {
        auto start = std::chrono::steady_clock::now();
        constexpr int repeats = 2000;
        for (int i = 0; i < repeats; ++i) {
            multiply_tile<S>(rows, length, left, rows, right, tile);
            // Keeps the compiler from removing the products.
            __asm__ volatile("" : : "r"(tile), "r"(left), "r"(right) : "memory");
        }
        double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        best = std::max(best, 2.0 * rows * 32 * length * Words<S>::per * repeats / seconds / 1e9);
    }
    return best;
}

// The table with the kernels of decoders' layers.
Table with_decoders(Table table) {
    table.projection_forward = [](bool bfloat16, const ProjectionForward &call) {
        if (!bfloat16) return projection_forward<float, float>(call);
        call.float_output ? projection_forward<bf16, float>(call) : projection_forward<bf16, bf16>(call);
    };
    table.causal_forward = [](bool bfloat16, const CausalForward &call) {
        bfloat16 ? causal_forward<bf16>(call) : causal_forward<float>(call);
    };
    table.page_words = [](bool bfloat16, int64_t heads, int64_t width) {
        return bfloat16 ? page_words<bf16>(heads, width) : page_words<float>(heads, width);
    };
    table.cached_forward = [](bool bfloat16, const CachedForward &call) {
        bfloat16 ? cached_forward<bf16>(call) : cached_forward<float>(call);
    };
    table.rms_norm_forward = [](bool bfloat16, const RootMeanSquare &call, void *output) {
        bfloat16 ? rms_norm_forward(call, static_cast<bf16 *>(output)) : rms_norm_forward(call, static_cast<float *>(output));
    };
    table.gated_forward = [](bool bfloat16, const Gated &call, void *output) {
        bfloat16 ? gated_forward(call, static_cast<bf16 *>(output)) : gated_forward(call, static_cast<float *>(output));
    };
    table.decoder_forward = [](bool bfloat16, const DecoderForward &call) {
        bfloat16 ? decoder_forward<bf16>(call) : decoder_forward<float>(call);
    };
    table.quantize_blocks = [](int64_t rows, int64_t length, const float *from, uint8_t *to) { quantize_blocks(rows, length, from, to); };
    table.block_forward = [](const BlockForward &call) { block_forward(call); };
    return table;
}

}  // namespace

const Table &table() {
    static const Table value = with_decoders({
        .name = CT_NAME,
        .packed_words = [](bool bfloat16, int64_t columns, int64_t length) {
            return bfloat16 ? packed_words<bf16>(columns, length) : packed_words<float>(columns, length);
        },
        .pack = [](bool bfloat16, bool transposed, const float *weight, int64_t columns, int64_t length, uint32_t *to) {
            bfloat16 ? pack<bf16>(transposed, weight, columns, length, to) : pack<float>(transposed, weight, columns, length, to);
        },
        .layer_forward = [](bool bfloat16, const LayerForward &call) {
            bfloat16 ? layer_forward<bf16>(call) : layer_forward<float>(call);
        },
        .int8_words = [](int64_t columns, int64_t length) { return right_words<int8_t>(columns, length); },
        .pack_int8 = [](const int8_t *weight, int64_t columns, int64_t length, uint32_t *to, int32_t *sums) {
            pack_int8(weight, columns, length, to, sums);
        },
        .mixed_forward = [](const MixedForward &call) { mixed_forward(call); },
        .prenorm_forward = [](bool bfloat16, const PreNormForward &call) {
            bfloat16 ? prenorm_forward<bf16>(call) : prenorm_forward<float>(call);
        },
        .mixed_linear = [](const MixedLinear &linear, int64_t rows, const float *input, float *output) {
            mixed_linear(linear, rows, input, output);
        },
        .int8_steps = int8_steps,
        .linear_forward = [](const LinearForward &call) { linear_forward(call); },
        .normalize = [](const Normalize &call) { normalize(call); },
        .activate = [](Activation activation, float *values, int64_t count) { activate_all(activation, values, count); },
        .embeddings_forward = [](const EmbeddingsForward &call) { embeddings_forward(call); },
        .round_rows = [](const RoundRows &call) { return round_rows(call); },
        .product = [](bool bfloat16, const float *left, int64_t rows, int64_t length, const uint32_t *right, int64_t columns, float *to) {
            bfloat16 ? product<bf16>(left, rows, length, right, columns, to) : product<float>(left, rows, length, right, columns, to);
        },
        .peak = [](bool bfloat16) { return bfloat16 ? peak<bf16>() : peak<float>(); },
    });
    return value;
}

}  // namespace ctorch::kernels::CT_NAMESPACE
