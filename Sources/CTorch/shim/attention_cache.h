// Keys and values that generation keeps.
#pragma once

#include <algorithm>
#include <vector>

#include "packed.h"

// A text's keys and values of one layer.
struct ct_attention_cache_s {
    int64_t heads, width;
    bool bfloat16;
    at::Tensor words;
    int64_t capacity = 0, held = 0;  // tokens

    ctorch::kernels::CachedText text(int64_t past) const { return {capacity > 0 ? ctorch::word_data(words) : nullptr, capacity, past}; }

    // Makes room for so many tokens: twice the room of before, or a quarter more than is asked for.
    void reserve(int64_t tokens) {
        if (tokens <= capacity) return;
        int64_t room = std::max(2 * capacity, tokens + tokens / 4);
        ct_attention_cache_s larger{heads, width, bfloat16, {}, (room + 31) / 32 * 32};
        int64_t count = ctorch::kernels::table().cached_words(bfloat16, heads, width, larger.capacity);
        larger.words = ctorch::words(count);
        // What was never written is multiplied by zero, and must be finite.
        std::fill_n(ctorch::word_data(larger.words), count, 0u);
        if (capacity > 0) ctorch::kernels::table().move_cached(bfloat16, heads, width, text(0), larger.text(0));
        words = larger.words;
        capacity = larger.capacity;
    }
};

namespace ctorch {

// Makes room for the texts' new tokens, adds each text to `texts`, and returns the number of tokens that the longest then has.
int64_t make_room(const at::Tensor &offsets, const ct_attention_cache *caches, const int64_t *past, std::vector<kernels::CachedText> &texts);

}  // namespace ctorch
