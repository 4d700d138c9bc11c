// A text's keys and values of one layer, in pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/table.h"

struct CachePages {
    CachePages(bool bfloat16, int64_t heads, int64_t width)
        : count(static_cast<size_t>(ctorch::kernels::table().page_words(bfloat16, heads, width))) {}

    // The pages for so many tokens, of which `past` are there.
    ctorch::kernels::CachedText text(int64_t past, int64_t tokens) {
        while (static_cast<int64_t>(words.size()) * ctorch::kernels::page_tokens < tokens) {
            pages.push_back(std::make_unique<uint32_t[]>(count));
            words.push_back(pages.back().get());
        }
        return {words.data(), past};
    }

  private:
    size_t count;
    std::vector<std::unique_ptr<uint32_t[]>> pages;
    std::vector<uint32_t *> words;
};
