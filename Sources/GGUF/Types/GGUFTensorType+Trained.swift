import CKernels

extension GGUFTensorType {
    /// True if weights can be trained with the rounding of this type (``GGUFRounding/trained``).
    public var isTrained: Bool {
        switch self {
        case .f16, .q40, .q50, .q51, .q80, .q4K, .q5K, .q6K: true
        default: false
        }
    }

    /// Rounds rows as training does, to the same bits on every processor and any number of threads.
    ///
    /// - Parameters:
    ///   - source: `rows` × `columns` floats, which are finite.
    ///   - rows: the number of rows.
    ///   - columns: the elements of a row, which whole blocks fill.
    ///   - values: receives the floats that the blocks hold; may be `nil`.
    ///   - blocks: receives the blocks; may be `nil`.
    /// - Returns: false, with nothing written, if the type is not ``isTrained``, or where memory is short.
    func roundTrained(
        _ source: UnsafePointer<Float>, rows: Int, columns: Int, values: UnsafeMutablePointer<Float>?,
        blocks: UnsafeMutableRawPointer?
    ) -> Bool {
        guard isTrained else { return false }
        var call = ck_rounded_rows()
        call.type = Int32(rawValue)
        (call.rows, call.columns) = (Int64(rows), Int64(columns))
        (call.row_stride, call.column_stride) = (Int64(columns), 1)
        (call.source, call.values) = (source, values)
        call.blocks = blocks?.assumingMemoryBound(to: UInt8.self)
        return ck_round_rows(&call) == CK_DONE
    }
}
