import Architectures
import Safetensors

extension ExportableModel {
    /// Returns a projection of DeBERTa's table of distances, which no text changes, split into heads: (1, N, D, 2S) for S
    /// distances on each side.
    ///
    /// - Parameters:
    ///   - module: The projection's name.
    ///   - relative: The distances.
    ///   - dtype: The type to give it.
    /// - Throws: ``ExportError`` where a tensor is missing or has another shape, and for numbers beyond float16 when the bytes are
    ///   requested.
    func projectedDistances(
        _ module: String, _ relative: DebertaV2Settings.Relative, as dtype: SafetensorsDType
    ) throws -> TensorData {
        let (rows, width) = (2 * relative.span, configuration.hiddenSize)
        let (table, norm) = (DebertaV2Names.distances, DebertaV2Names.distanceNorm)
        _ = try info(table + ".weight", shape: [rows, width])
        _ = try info(module + ".weight", shape: [width, width])
        _ = try info(module + ".bias", shape: [width])
        if relative.isNormalised {
            for name in [".weight", ".bias"] { _ = try info(norm + name, shape: [width]) }
        }
        let shape = [1, configuration.numAttentionHeads, configuration.headSize, rows]
        return TensorData(dtype, shape) { body in
            var values = try floats(table + ".weight", shape: [rows, width])
            if relative.isNormalised {
                Self.normalise(
                    &values, try floats(norm + ".weight", shape: [width]),
                    try floats(norm + ".bias", shape: [width]), epsilon: configuration.layerNormEps)
            }
            let weight = Transposition.transposed(
                try floats(module + ".weight", shape: [width, width]), rows: width)
            let bias = try floats(module + ".bias", shape: [width])
            let projected = Self.product(values, weight, bias)
            if dtype == .float16 { try Self.checkHalf(projected, module + ".weight", path) }
            try FloatBytes.encode(Transposition.transposed(projected, rows: rows), as: dtype)
                .withUnsafeBytes(body)
        }
    }

    /// Normalizes rows of the weight's width (Ba et al., arXiv 1607.06450).
    private static func normalise(
        _ values: inout [Float], _ weight: [Float], _ bias: [Float], epsilon: Double
    ) {
        let width = weight.count
        for start in stride(from: 0, to: values.count, by: width) {
            let row = values[start..<start + width].map(Double.init)
            let mean = row.reduce(0, +) / Double(width)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
            let scale = 1 / (variance + epsilon).squareRoot()
            for column in 0..<width {
                values[start + column] = Float((row[column] - mean) * scale) * weight[column] + bias[column]
            }
        }
    }

    /// (rows, in) · (in, out) + (out) → (rows, out)
    private static func product(_ x: [Float], _ weight: [Float], _ bias: [Float]) -> [Float] {
        let columns = bias.count
        let inner = weight.count / columns
        let rows = x.count / inner
        return [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            count = rows * columns
            weight.withUnsafeBufferPointer { weight in
                guard let target = buffer.baseAddress, let source = weight.baseAddress else { return }
                for row in 0..<rows {
                    let out = target + row * columns
                    for column in 0..<columns { out[column] = bias[column] }
                    for index in 0..<inner {
                        let (factor, line) = (x[row * inner + index], source + index * columns)
                        for column in 0..<columns { out[column] += factor * line[column] }
                    }
                }
            }
        }
    }
}
