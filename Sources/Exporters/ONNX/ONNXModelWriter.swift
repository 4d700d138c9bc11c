import Files
import Foundation
import SwiftProtobuf

/// Writes an ONNX model tensor by tensor, so that it need not be in memory.
///
/// Messages are encoded by SwiftProtobuf from the official schema. Only the bytes of tensors, which come last
/// in their messages, as these do in the graph's, are appended by hand, with the tags and lengths that
/// protobuf's encoding prescribes for fields of bytes (<https://protobuf.dev/programming-guides/encoding>).
struct ONNXModelWriter {
    /// The model without its graph.
    let model: Onnx_ModelProto
    /// The graph without its constants.
    let graph: Onnx_GraphProto
    let constants: [GraphBuilder.Constant]

    /// The largest size in bytes that protobuf's readers accept.
    static let mostBytes = Int(Int32.max)

    /// Field numbers of the schema.
    private enum Field {
        static let modelGraph = 7
        static let graphInitializer = 5
        static let tensorRawData = 9
    }

    /// - Throws: ``ExportError`` where the file would be larger than protobuf allows; `FileError` where it
    ///   cannot be written; any error of reading the tensors.
    func write(to url: URL, limit: Int = mostBytes) throws {
        let modelBytes: [UInt8] = try model.serializedBytes()
        let graphBytes: [UInt8] = try graph.serializedBytes()
        let tensors = try constants.map { constant in
            (header: try Self.header(constant), byteCount: constant.data.byteCount)
        }
        let tensorSizes = tensors.map { $0.header.count + $0.byteCount }
        let graphSize = tensorSizes.reduce(graphBytes.count) { sum, size in
            sum + Self.tag(Field.graphInitializer, length: size).count + size
        }
        let graphTag = Self.tag(Field.modelGraph, length: graphSize)
        let total = modelBytes.count + graphTag.count + graphSize
        guard total <= limit else {
            throw ExportError(
                "\(url.lastPathComponent): the file would have \(total) bytes, protobuf allows \(limit) (2 GB); choose "
                    + "--dtype float16, quantise the model first (distill quantize), or choose --format safetensors"
            )
        }
        try AtomicFile.write(to: url) { writer in
            try writer.write(modelBytes)
            try writer.write(graphTag)
            try writer.write(graphBytes)
            for (index, constant) in constants.enumerated() {
                try writer.write(Self.tag(Field.graphInitializer, length: tensorSizes[index]))
                try writer.write(tensors[index].header)
                try constant.data.withBytes { bytes in
                    guard bytes.count == constant.data.byteCount else {
                        throw ExportError(
                            "tensor '\(constant.name)' has \(bytes.count) bytes, its shape \(constant.data.shape) needs "
                                + "\(constant.data.byteCount)")
                    }
                    try writer.write(bytes)
                }
            }
        }
    }

    /// Returns a tensor's message up to its bytes.
    private static func header(_ constant: GraphBuilder.Constant) throws -> [UInt8] {
        var tensor = Onnx_TensorProto()
        tensor.name = constant.name
        tensor.dataType = Int32(constant.data.dtype.onnx.rawValue)
        tensor.dims = constant.data.shape.map(Int64.init)
        let message: [UInt8] = try tensor.serializedBytes()
        return message + tag(Field.tensorRawData, length: constant.data.byteCount)
    }

    /// Returns the tag before a field of bytes: its number with wire type 2, and its length.
    private static func tag(_ field: Int, length: Int) -> [UInt8] {
        varint(UInt64(field << 3 | 2)) + varint(UInt64(length))
    }

    /// Encodes a number with seven bits per byte, the lowest first; the eighth bit indicates that more
    /// follow.
    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes): (UInt64, [UInt8]) = (value, [])
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
