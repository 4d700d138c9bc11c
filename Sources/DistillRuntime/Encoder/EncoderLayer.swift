/// One layer of an encoder. Shapes: T tokens of B texts, H hidden size.
protocol EncoderLayer: Sendable {
    /// (T, H) → (T, H), or (B, H) of each text's first token.
    ///
    /// - Throws: ``RuntimeError`` where there is no memory.
    func callAsFunction(_ input: AlignedBuffer<Float>, _ texts: PackedTexts, firstOnly: Bool) throws
        -> AlignedBuffer<Float>
}
