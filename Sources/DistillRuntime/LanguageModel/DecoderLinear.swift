import CKernels

/// The form in which a decoder's weights of floating point are multiplied.
struct DecoderPrecision: Sendable {
    /// True to multiply in bfloat16.
    var usesBFloat16 = false
    /// Matrices of so many elements or more become int8; `nil` for none.
    var int8Elements: Int?

    /// Of fewer elements too little is saved for the error.
    static let leastInt8Elements = 16_384
}

/// A linear layer of a decoder, packed for the kernels: float32, bfloat16 or int8.
final class DecoderLinear: @unchecked Sendable {
    /// What the kernels take; its pointers live as long as this object.
    let kernel: ck_linear
    private let words: AlignedBuffer<UInt32>?
    private let bias: StoredValues?
    private let int8: PackedLinear?
    /// The scales and sums of the rows of a weight that was quantized here.
    private var steps: (scales: AlignedBuffer<Float>, sums: AlignedBuffer<Int32>)?

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
        let quantizes = precision.int8Elements.map { inputs * outputs >= $0 } ?? false
        var bias = hasBias ? try store.values(name + ".bias", shape: [all]).dropping(place.first) : nil
        if quantizes, bias == nil { bias = try StoredValues(zeros: outputs) }
        self.bias = bias
        if !place.isTransposed, store.isInt8(name + ".weight") {
            let packed = try PackedLinear(
                store.matrix(name + ".weight", rows: outputs, columns: inputs),
                bias: bias ?? StoredValues(zeros: outputs), inputs: inputs, outputs: outputs)
            (kernel, words, int8) = (packed.kernel, nil, packed)
            return
        }
        let tensor = try store.tensor(name + ".weight", shape: place.shape)
        let words = try AlignedBuffer<UInt32>(
            count: Int(
                quantizes
                    ? ck_int8_words(Int64(outputs), Int64(inputs))
                    : ck_packed_words(precision.usesBFloat16, Int64(outputs), Int64(inputs))))
        let step = place.isTransposed ? 1 : inputs
        var stored = ck_stored(
            type: tensor.type,
            values: tensor.bytes.baseAddress.map { $0 + place.first * step * tensor.elementSize },
            outputs: Int64(outputs), inputs: Int64(inputs), output_stride: Int64(step),
            input_stride: Int64(place.isTransposed ? all : 1))
        var kernel = ck_linear()
        let status: Int32
        if quantizes {
            let (scales, sums) = (
                try AlignedBuffer<Float>(count: outputs), try AlignedBuffer<Int32>(count: outputs)
            )
            status = ck_pack_stored_int8(&stored, words.pointer, scales.pointer, sums.pointer)
            kernel.is_int8 = true
            (kernel.scales, kernel.sums) = (UnsafePointer(scales.pointer), UnsafePointer(sums.pointer))
            steps = (scales, sums)
        } else {
            status = ck_pack_stored(precision.usesBFloat16, &stored, words.pointer)
        }
        switch Int(status) {
        case CK_DONE: break
        case CK_NOT_FINITE: throw store.notFinite(tensor.name)
        default: throw RuntimeError.outOfMemory
        }
        (kernel.inputs, kernel.outputs) = (Int64(inputs), Int64(outputs))
        kernel.words = UnsafePointer(words.pointer)
        kernel.bias = bias?.pointer
        (self.kernel, self.words, int8) = (kernel, words, nil)
    }
}
