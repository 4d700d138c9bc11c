// Causal attention of texts whose earlier tokens' keys and values are kept in pages of 32 tokens, which several texts may have in common
// (Kwon et al., "Efficient Memory Management for Large Language Model Serving with PagedAttention", SOSP 2023). A page has for each
// head what products read: its keys in one panel of 32 tokens, its values in panels of 32 dimensions. New tokens are added to them,
// and nothing is packed twice. A token's context has the bits that attention over its whole text gives it.

// A head's part of a page: its keys, then its values.
template <class S>
struct PagedHead {
    explicit PagedHead(int64_t width) : key_words(right_words<S>(32, width)), all(key_words + right_words<S>(width, 32)) {}
    int64_t key_words, all;
    static constexpr int64_t value_words = 32 / Words<S>::per;  // of a panel
};

template <class S>
int64_t page_words(int64_t heads, int64_t width) {
    return heads * PagedHead<S>(width).all;
}

// Adds `count` keys after `past` of them, to the panels of pages.
template <class S, class Panel>
void append_keys(const S *key, int64_t stride, int64_t past, int64_t count, int64_t width, Panel &&panel_of) {
    constexpr int64_t per = Words<S>::per;
    int64_t total = words<S>(width), row = 0;
    // Those of a panel that was begun.
    for (; row < count && (past + row) % 32 != 0; ++row) {
        uint32_t *panel = panel_of((past + row) / 32);
        for (int64_t w = 0; w < total; w += 16) {
            uint32_t lanes[16];
            store_as(lanes, row_words<S>(key + row * stride + w * per, width - w * per));
            for (int64_t i = 0; i < std::min<int64_t>(16, total - w); ++i) panel[word_place<S>(w + i, (past + row) % 32, 32)] = lanes[i];
        }
    }
    for (; row < count; row += 32)
        pack_rows_panel<S>(key + row * stride, stride, std::min<int64_t>(32, count - row), width, 32, panel_of((past + row) / 32));
}

// Word `w` of sixteen columns of a panel, from column `c` on.
template <class S>
CT_INLINE vu words_of(const uint32_t *panel, int64_t w, int64_t c) {
    if constexpr (!in_pairs<S>) return load_as<vu>(panel + word_place<S>(w, c, 32));
    uint32_t lanes[16];
    for (int64_t i = 0; i < 16; ++i) lanes[i] = panel[word_place<S>(w, c + i, 32)];
    return load_as<vu>(lanes);
}
template <class S>
CT_INLINE void set_words(uint32_t *panel, int64_t w, int64_t c, vu x) {
    if constexpr (!in_pairs<S>) return store_as(panel + word_place<S>(w, c, 32), x);
    uint32_t lanes[16];
    store_as(lanes, x);
    for (int64_t i = 0; i < 16; ++i) panel[word_place<S>(w, c + i, 32)] = lanes[i];
}

// Adds `count` values after `past` of them, to the panels of pages.
template <class S, class Panel>
void append_values(const S *value, int64_t stride, int64_t past, int64_t count, int64_t width, Panel &&panel_of) {
    constexpr int64_t per = Words<S>::per;
    for (int64_t c = 0; c < width; c += 16) {
        const S *column = value + c;
        int64_t left = width - c, row = 0;
        auto panel = [&](int64_t place) { return panel_of(place / 32) + c / 32 * PagedHead<S>::value_words * 32; };
        if constexpr (per == 2)
            if (past % 2 == 1) {
                // The second half of a word.
                vu high = __builtin_convertvector(narrow(load_part(column, left)), vu) << 16;
                uint32_t *words = panel(past);
                set_words<S>(words, past % 32 / per, c % 32, (words_of<S>(words, past % 32 / per, c % 32) & 0xFFFFu) | high);
                row = 1;
            }
        for (; row < count; row += per) {
            const S *first = column + row * stride, *second = row + 1 < count ? first + stride : nullptr;
            set_words<S>(panel(past + row), (past + row) % 32 / per, c % 32, pair_words<S>(first, second, left));
        }
    }
}

// A text's keys and values of head `k` of them.
template <class S>
struct HeldHead {
    struct Keys {
        uint32_t *const *pages;
        int64_t offset;
        uint32_t *panel(int64_t p) const { return pages[p] + offset; }
    };
    HeldHead(const CachedText &text, int64_t k, int64_t width)
        : keys{text.pages, k * PagedHead<S>(width).all}, key_words(PagedHead<S>(width).key_words) {}
    Keys keys;
    int64_t key_words;

    uint32_t *values(int64_t page) const { return keys.panel(page) + key_words; }
    // As `PackedHead` does: a sum goes on from page to page.
    void multiply(const KeyRange<S> &range, int64_t p, const uint32_t *weights, int64_t height, int64_t rows, float *tile) const {
        constexpr int64_t panel = PagedHead<S>::value_words;
        int64_t count = range.end - range.begin;
        for (int64_t done = 0; done < count; done += 32)
            multiply_tile<S>(rows, words<S>(std::min<int64_t>(32, count - done)), weights + done / Words<S>::per * height, height,
                             values((range.begin + done) / 32) + p * panel * 32, tile, done > 0);
    }
};

// A text's new keys and values of one head, added to the others.
template <class S>
void append_cached(const CachedForward &call, int64_t s, int64_t k) {
    const CausalShape &shape = call.shape;
    const CachedText &text = call.texts[s];
    int64_t start = call.sequences.offsets[s], count = call.sequences.offsets[s + 1] - start;
    int64_t stride = shape.key_value_heads * shape.width, place = start * stride + k * shape.width, key_stride = stride;
    HeldHead<S> held(text, k, shape.width);
    const S *key = rotated(shape, shape.key_norm, static_cast<const S *>(call.key) + place, key_stride, count, Places{text.past},
                           Slot::causal_key);
    append_keys<S>(key, key_stride, text.past, count, shape.width, [&](int64_t page) { return held.keys.panel(page); });
    append_values<S>(static_cast<const S *>(call.value) + place, stride, text.past, count, shape.width,
                     [&](int64_t page) { return held.values(page); });
}

// The context of head `h` at a text's new tokens; or of `rows` heads from `h` on at its only one.
template <class S>
void attend_cached(const CachedForward &call, int64_t s, int64_t h, int64_t heads) {
    const CausalShape &shape = call.shape;
    const CachedText &text = call.texts[s];
    int64_t start = call.sequences.offsets[s], count = call.sequences.offsets[s + 1] - start, width = shape.width;
    int64_t place = start * shape.heads * width + h * width, stride = count == 1 ? width : shape.heads * width, query_stride = stride;
    Places places{text.past, count == 1 ? 0 : 1};
    int64_t rows = count == 1 ? heads : count;
    const S *query = rotated(shape, shape.query_norm, static_cast<const S *>(call.query) + place, query_stride, rows, places,
                             Slot::causal_query);
    CausalHead<S> head{shape, text.past + count, query, nullptr, query_stride, 0, rows, places};
    causal_attend<S>(head, HeldHead<S>(text, h / (shape.heads / shape.key_value_heads), width), static_cast<S *>(call.context) + place,
                     stride, nullptr);
}

template <class S>
void cached_forward(const CachedForward &call) {
    const CausalShape &shape = call.shape;
    int64_t group = shape.heads / shape.key_value_heads, count = call.sequences.count, scores = 0, longest = 0;
    for (int64_t s = 0; s < count; ++s) {
        int64_t own = call.sequences.offsets[s + 1] - call.sequences.offsets[s];
        scores += own * (call.texts[s].past + own);
        longest = std::max(longest, own);
    }
    auto is_step = [&](int64_t s) { return call.sequences.offsets[s + 1] - call.sequences.offsets[s] == 1; };
    if (longest > 1)
        parallel_tasks(count * shape.key_value_heads, element_cost(4 * longest * shape.width), [&](int64_t task) {
            int64_t s = task / shape.key_value_heads;
            if (!is_step(s)) append_cached<S>(call, s, task % shape.key_value_heads);
        });
    int64_t cost = 2 * product_cost(1, shape.width, scores / count) + element_cost(2 * scores / count);
    parallel_tasks(count * shape.heads, cost, [&](int64_t task) {
        int64_t s = task / shape.heads, h = task % shape.heads;
        if (!is_step(s)) return attend_cached<S>(call, s, h, 1);
        if (h % group != 0) return;
        append_cached<S>(call, s, h / group);
        attend_cached<S>(call, s, h, group);
    });
}
