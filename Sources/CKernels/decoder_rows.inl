// What both passes of a decoder's layer share.

CT_INLINE int64_t query_width(const DecoderShape &shape) { return shape.attention.heads * shape.attention.width; }
CT_INLINE int64_t key_width(const DecoderShape &shape) { return shape.attention.key_value_heads * shape.attention.width; }

// Rows normalized as the layer's norms over its hidden size do.
template <class S>
CT_INLINE void normalize_rows(const DecoderShape &shape, const float *from, int64_t rows, const float *weight, S *to) {
    for (int64_t r = 0; r < rows; ++r)
        rms_row(from + r * shape.hidden, shape.hidden, weight, shape.epsilon, shape.offset, to + r * shape.hidden);
}
