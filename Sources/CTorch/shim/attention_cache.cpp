// Keys and values that generation keeps, and attention to them: connects the kernels to tensors.

#include <ATen/ops/empty_like.h>

#include "attention_cache.h"

using namespace ctorch;
namespace k = ctorch::kernels;

static_assert(CT_PAGE_TOKENS == k::page_tokens);

namespace ctorch {

int64_t make_room(const at::Tensor &offsets, const ct_attention_cache *caches, const int64_t *past, std::vector<k::CachedText> &texts) {
    const int64_t *at = const_data<int64_t>(offsets);
    int64_t longest = 0;
    for (int64_t i = 0; i + 1 < offsets.numel(); ++i) {
        int64_t all = past[i] + at[i + 1] - at[i];
        TORCH_CHECK(past[i] >= 0 && past[i] <= caches[i]->held, "the cache of text ", i, " holds ", caches[i]->held, " tokens, not ",
                    past[i]);
        caches[i]->reserve(past[i], all);
        caches[i]->held = all;
        texts.push_back({caches[i]->words.data(), past[i]});
        longest = std::max(longest, all);
    }
    return longest;
}

}  // namespace ctorch

ct_error ct_attention_cache_make(int64_t key_value_heads, int64_t width, bool bfloat16, ct_attention_cache *out) {
    return guard("attention_cache", {}, [&] {
        TORCH_CHECK(key_value_heads > 0 && width > 0, "needs heads of at least one dimension");
        *out = new ct_attention_cache_s{key_value_heads, width, bfloat16};
    });
}

ct_error ct_attention_cache_share(ct_attention_cache cache, int64_t tokens, ct_attention_cache *out) {
    return guard("attention_cache_share", {}, [&] {
        TORCH_CHECK(tokens >= 0 && tokens <= cache->held && tokens % k::page_tokens == 0, "a cache of ", cache->held, " tokens shares full pages of ",
                    k::page_tokens, ", not ", tokens, " tokens");
        int64_t pages = tokens / k::page_tokens;
        *out = new ct_attention_cache_s{cache->heads, cache->width, cache->bfloat16, {cache->pages.begin(), cache->pages.begin() + pages},
                                        {cache->words.begin(), cache->words.begin() + pages}, tokens};
    });
}

void ct_attention_cache_free(ct_attention_cache cache) { delete cache; }

int64_t ct_attention_cache_bytes(ct_attention_cache cache) {
    int64_t bytes = 0;
    for (const at::Tensor &page : cache->pages) bytes += page.numel() * 4;
    return bytes;
}

ct_error ct_cached_causal_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor cosine, ct_tensor sine,
                                    ct_tensor offsets, const ct_attention_cache *caches, const int64_t *past, int64_t heads,
                                    int64_t window, double scale, ct_tensor *out) {
    return guard("cached_causal_attention", {query, key, value}, [&] {
        at::Tensor q = query->value.contiguous(), keys = key->value.contiguous(), values = value->value.contiguous();
        check_offsets(offsets->value, q.size(0));
        const ct_attention_cache_s &first = *caches[0];
        at::ScalarType type = first.bfloat16 ? at::kBFloat16 : at::kFloat;
        for (const at::Tensor &tensor : {q, keys, values})
            TORCH_CHECK(tensor.is_cpu() && tensor.scalar_type() == type, "the cache is of another type than an input");
        TORCH_CHECK(heads > 0 && heads % first.heads == 0 && q.dim() == 2 && q.size(1) == heads * first.width &&
                        keys.sizes() == at::IntArrayRef({q.size(0), first.heads * first.width}) && keys.sizes() == values.sizes(),
                    "the shapes of queries, keys, values and cache do not fit");
        for (int64_t i = 0; i + 1 < offsets->value.numel(); ++i)
            TORCH_CHECK(caches[i]->heads == first.heads && caches[i]->width == first.width && caches[i]->bfloat16 == first.bfloat16,
                        "the caches are of several models");
        std::vector<k::CachedText> texts;
        int64_t longest = make_room(offsets->value, caches, past, texts);
        if (cosine) {
            const at::Tensor &c = cosine->value;
            check_float(c, {c.size(0), first.width / 2}, "the cosines");
            check_float(sine->value, c.sizes(), "the sines");
            TORCH_CHECK(first.width % 2 == 0 && c.size(0) >= longest, "the rotary tables are too small");
        }
        at::Tensor output = at::empty_like(q);
        k::table().cached_forward(first.bfloat16, {.shape = {.heads = heads, .key_value_heads = first.heads, .width = first.width,
                                                             .scale = static_cast<float>(scale), .window = window,
                                                             .cosine = cosine ? data(cosine->value) : nullptr,
                                                             .sine = sine ? data(sine->value) : nullptr},
                                                   .sequences = sequences(offsets->value),
                                                   .texts = texts.data(),
                                                   .query = q.const_data_ptr(),
                                                   .key = keys.const_data_ptr(),
                                                   .value = values.const_data_ptr(),
                                                   .context = output.mutable_data_ptr()});
        *out = wrap(output);
    });
}
