import CKernels

/// The form in which a decoder's weights are multiplied that are in floating point.
struct DecoderPrecision: Sendable {
    /// True to multiply in bfloat16.
    var usesBFloat16 = false
    /// The form in blocks that they are rounded to as they are read, as the kernels number it; `nil` for none. A matrix whose sums are
    /// no multiple of 32 long stays in float32.
    var blocks: Int?
}

/// A linear layer of a decoder, packed for the kernels: float32, bfloat16, int8 or blocks of few bits. A weight that is stored in 16 bits
/// keeps them where products are in float32: they are widened as they are read, which changes no result.
final class DecoderLinear: @unchecked Sendable {
    /// What the kernels take; its pointers live as long as this object.
    let kernel: ck_linear
    private let words: AlignedBuffer<UInt32>?
    private let panels: AlignedBuffer<UInt8>?
    private let bias: StoredValues?
    private let int8: PackedLinear?

    /// How a layer's weight lies in its tensor.
    struct Place {
        let inputs: Int
        let outputs: Int
        /// The tensor's shape.
        let shape: [Int]
        /// The first output.
        var first = 0
        /// True if the tensor is (inputs, outputs), as GPT-2's are.
        var isTransposed = false

        /// A whole tensor (outputs, inputs).
        static func whole(_ inputs: Int, _ outputs: Int) -> Place {
            Place(inputs: inputs, outputs: outputs, shape: [outputs, inputs])
        }
    }

    /// - Parameters:
    ///   - store: The checkpoint.
    ///   - name: The layer's name.
    ///   - place: The sizes, and where the weight lies.
    ///   - hasBias: True if there is a tensor of its biases, of all outputs of the tensor.
    ///   - precision: The form in which a weight of floating point is multiplied.
    /// - Throws: ``RuntimeError`` for a tensor that is missing or does not fit, and where there is no memory.
    init(_ store: WeightStore, _ name: String, _ place: Place, hasBias: Bool, _ precision: DecoderPrecision)
        throws
    {
        let (inputs, outputs) = (place.inputs, place.outputs)
        let all = place.isTransposed ? place.shape[1] : place.shape[0]
        let bias = hasBias ? try store.values(name + ".bias", shape: [all]).dropping(place.first) : nil
        self.bias = bias
        var kernel = ck_linear()
        (kernel.inputs, kernel.outputs) = (Int64(inputs), Int64(outputs))
        kernel.bias = bias?.pointer
        var (words, panels, int8) = (
            AlignedBuffer<UInt32>?.none, AlignedBuffer<UInt8>?.none, PackedLinear?.none
        )
        switch try store.linear(name + ".weight", place) {
        case .int8(let matrix):
            let packed = try PackedLinear(
                matrix, bias: bias ?? StoredValues(zeros: outputs), inputs: inputs, outputs: outputs)
            (kernel, int8) = (packed.kernel, packed)
        case .blocks(let blocks):
            let packed = try Self.panels(blocks.form, place, store.arena) {
                ck_pack_blocks(
                    blocks.form, blocks.rows, Int64(outputs), Int64(inputs), Int64(blocks.head), $0)
            } notFinite: {
                store.notFinite(blocks.name)
            }
            (kernel.form, kernel.panels, panels) = (blocks.form, UnsafePointer(packed.pointer), packed)
        case .stored(let part):
            var stored = ck_stored(
                type: part.tensor.type,
                values: part.tensor.bytes.baseAddress.map { $0 + part.first * part.tensor.elementSize },
                outputs: Int64(outputs), inputs: Int64(inputs), output_stride: Int64(part.outputStride),
                input_stride: Int64(part.inputStride), head: Int64(part.head))
            if let form = precision.blocks.map(Int32.init), inputs.isMultiple(of: 32) {
                let packed = try Self.panels(form, place, store.arena) {
                    ck_quantize_blocks(form, &stored, $0)
                } notFinite: {
                    store.notRounded(part.tensor)
                }
                (kernel.form, kernel.panels, panels) = (form, UnsafePointer(packed.pointer), packed)
            } else if !precision.usesBFloat16, part.tensor.elementSize == 2 {
                let packed = try AlignedBuffer<UInt32>(
                    count: Int(ck_narrow_words(Int64(outputs), Int64(inputs))), in: store.arena)
                try Self.check(ck_pack_narrow(&stored, packed.pointer)) {
                    store.notFinite(part.tensor.name)
                }
                (kernel.words, kernel.word_type, words) = (
                    UnsafePointer(packed.pointer), part.tensor.type, packed
                )
            } else {
                let packed = try AlignedBuffer<UInt32>(
                    count: Int(ck_packed_words(precision.usesBFloat16, Int64(outputs), Int64(inputs))),
                    in: store.arena)
                try Self.check(ck_pack_stored(precision.usesBFloat16, &stored, packed.pointer)) {
                    store.notFinite(part.tensor.name)
                }
                (kernel.words, words) = (UnsafePointer(packed.pointer), packed)
            }
        }
        (self.kernel, self.words, self.panels, self.int8) = (kernel, words, panels, int8)
    }

    /// The panels of blocks that a function of the kernels packs.
    private static func panels(
        _ form: Int32, _ place: Place, _ arena: WeightArena, pack: (UnsafeMutablePointer<UInt8>) -> Int32,
        notFinite: () -> RuntimeError
    ) throws -> AlignedBuffer<UInt8> {
        let packed = try AlignedBuffer<UInt8>(
            count: Int(ck_block_bytes(form, Int64(place.outputs), Int64(place.inputs))), in: arena)
        try check(pack(packed.pointer), notFinite)
        return packed
    }

    private static func check(_ status: Int32, _ notFinite: () -> RuntimeError) throws {
        switch Int(status) {
        case CK_DONE: break
        case CK_NOT_FINITE: throw notFinite()
        default: throw RuntimeError.outOfMemory
        }
    }
}
