// Keys and values that generation keeps.
#pragma once

#include <algorithm>
#include <vector>

#include "packed.h"

// A text's keys and values of one layer, in pages that several texts may have in common.
struct ct_attention_cache_s {
    int64_t heads, width;
    bool bfloat16;
    std::vector<at::Tensor> pages = {};
    std::vector<uint32_t *> words = {};  // of each page
    int64_t held = 0;                    // tokens

    // Makes room for the tokens `past` ..< `tokens`, in pages that no other text has.
    void reserve(int64_t past, int64_t tokens) {
        int64_t count = (tokens + ctorch::kernels::page_tokens - 1) / ctorch::kernels::page_tokens, own = ctorch::kernels::table().page_words(bfloat16, heads, width);
        for (int64_t page = past / ctorch::kernels::page_tokens; page < count; ++page) {
            bool is_there = page < static_cast<int64_t>(pages.size());
            if (is_there && pages[page].use_count() == 1) continue;
            at::Tensor fresh = ctorch::words(own);
            uint32_t *to = ctorch::word_data(fresh);
            // What was never written is multiplied by zero, and must be finite.
            if (is_there) std::copy_n(words[page], own, to);
            else std::fill_n(to, own, 0u);
            if (is_there) pages[page] = fresh, words[page] = to;
            else pages.push_back(fresh), words.push_back(to);
        }
    }
};

namespace ctorch {

// Makes room for the texts' new tokens, adds each text to `texts`, and returns the number of tokens that the longest then has.
int64_t make_room(const at::Tensor &offsets, const ct_attention_cache *caches, const int64_t *past, std::vector<kernels::CachedText> &texts);

}  // namespace ctorch
