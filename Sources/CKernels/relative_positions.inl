// What the distances of tokens add to attention scores: a bias by head, as MPNet's, or the terms of disentangled attention, as
// DeBERTa's. Nothing of the size of all scores is kept: tables are read by the distance of key and query.

// One head's part of the tables. Those by distance begin at distance 0; what is not there is null.
struct HeadPositions {
    const float *bias = nullptr;
    const int32_t *rows = nullptr;
    const float *keys = nullptr, *queries = nullptr;  // (rows, D), with a row stride of
    int64_t stride = 0;
};

CT_INLINE HeadPositions positions_of(const RelativePositions &all, int64_t head, int64_t hidden, int64_t width) {
    HeadPositions own;
    if (all.bias) own.bias = all.bias + head * (2 * all.reach + 1) + all.reach;
    if (!all.rows) return own;
    own.rows = all.rows + all.reach;
    if (all.keys) own.keys = all.keys + head * width;
    if (all.queries) own.queries = all.queries + head * width;
    own.stride = hidden;
    return own;
}

// A row of scores, scaled, and a bias; in place, and what follows of its last vector is not kept.
CT_INLINE void scale_and_add(float *row, int64_t length, float scale, const float *bias) {
    for (int64_t c = 0; c < length; c += 16) store(row + c, load(row + c) * scale + load_part(bias + c, length - c));
}

// The terms that disentangled attention adds to one head's scores: each query with the keys of distances, and each key with their
// queries, for those distances alone that the example has.
template <class S>
class DistanceTerms {
  public:
    // `keys`: the head's keys, packed as the right operand of scores.
    DistanceTerms(const HeadPositions &positions, int64_t queries, int64_t length, int64_t width, const uint32_t *keys)
        : rows_(positions.rows), length_(length), total_(words<S>(width)) {
        if (!rows_) return;
        first_ = rows_[length - 1];
        count_ = rows_[1 - queries] + 1 - first_;
        if (positions.keys) {
            keys_ = scratch<uint32_t>(Slot::head_distance_keys, right_words<S>(count_, width));
            pack_right_transposed<S>(positions.keys + first_ * positions.stride, positions.stride, count_, width, 0, panels_of(count_), keys_);
            by_query_ = scratch<float>(Slot::head_distance_scores, panel_rows<S> * panels_of(count_) * 32);
        }
        if (positions.queries) {
            uint32_t *left = scratch<uint32_t>(Slot::head_distance_queries, left_words<S>(count_, width));
            pack_left<S>(positions.queries + first_ * positions.stride, positions.stride, count_, width, left);
            by_key_ = scratch<float>(Slot::head_key_scores, count_ * length);
            multiply_to<S>(left, count_, width, keys, length, by_key_, length);
        }
    }

    bool any() const { return rows_ != nullptr; }

    // Adds the terms of the queries first ..< first + rows, a packed panel, to their scores (rows, padded).
    void add(const uint32_t *queries, int64_t height, int64_t first, int64_t rows, float *scores, int64_t padded) const {
        int64_t stride = panels_of(count_) * 32;
        if (keys_) multiply_panel<S>(queries, height, rows, total_, keys_, panels_of(count_), by_query_, stride);
        for (int64_t r = 0; r < rows; ++r) {
            const int32_t *row_of = rows_ - (first + r);
            float *to = scores + r * padded;
            if (keys_)
                for (int64_t c = 0; c < length_; ++c) to[c] += by_query_[r * stride + row_of[c] - first_];
            if (by_key_)
                for (int64_t c = 0; c < length_; ++c) to[c] += by_key_[(row_of[c] - first_) * length_ + c];
        }
    }

  private:
    const int32_t *rows_;  // of distance 0
    int64_t length_, total_;
    int64_t first_ = 0, count_ = 0;  // the rows of the example's distances
    uint32_t *keys_ = nullptr;
    float *by_query_ = nullptr;  // (rows of a panel, count in whole panels)
    float *by_key_ = nullptr;    // (count, length)
};
