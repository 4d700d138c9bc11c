import CKernels

/// One layer of an encoder. Shapes: T tokens of B texts, H hidden size.
protocol EncoderLayer: Sendable {
    /// (T, H) → (T, H), or (B, H) of each text's first token.
    ///
    /// - Throws: ``RuntimeError`` where there is no memory.
    func callAsFunction(_ input: AlignedBuffer<Float>, _ texts: PackedTexts, firstOnly: Bool) throws
        -> AlignedBuffer<Float>
}

extension EncoderLayer {
    /// Runs a layer's kernel on texts.
    ///
    /// - Parameters:
    ///   - input: (T, H)
    ///   - firstOnly: True for an output of each text's first token alone.
    ///   - width: H.
    ///   - kernel: Receives the texts' offsets and where the output goes; returns false where there is no memory.
    /// - Returns: (T, H), or (B, H).
    /// - Throws: ``RuntimeError`` where there is no memory.
    func output(
        of input: AlignedBuffer<Float>, _ texts: PackedTexts, firstOnly: Bool, width: Int,
        _ kernel: (ck_sequences, UnsafeMutablePointer<Float>) -> Bool
    ) throws -> AlignedBuffer<Float> {
        let output = try AlignedBuffer<Float>(count: (firstOnly ? texts.count : texts.tokens) * width)
        try texts.offsets.withUnsafeBufferPointer { offsets in
            let sequences = ck_sequences(offsets: offsets.baseAddress, count: Int64(texts.count))
            // The kernel reads the weights of this layer, by pointers that do not hold them.
            try withExtendedLifetime((self, input)) { try require(kernel(sequences, output.pointer)) }
        }
        return output
    }
}
