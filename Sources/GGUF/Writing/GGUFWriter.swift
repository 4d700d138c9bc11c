import Storage

/// Writes GGUF files of version 3.
///
/// Source: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
public struct GGUFWriter {
    /// The metadata, in the order in which it is written.
    public var metadata: [(key: String, value: GGUFValue)]
    /// The tensors, in the order in which they are written.
    public var tensors: [GGUFOutputTensor]
    /// The multiple at which tensors begin, in bytes: a power of two.
    public var alignment: Int

    /// The most threads that quantize; the file's bytes do not depend on it.
    public var threads = Processors.activeCount

    /// The floats that are in memory at a time, unless one row has more.
    private static let floatsAtOnce = 1 << 20
    /// ggml's names end within 64 bytes, one of which ends them.
    private static let longestName = 63

    /// Makes a writer.
    ///
    /// - Parameters:
    ///   - metadata: keys and values, such as `general.architecture`; `general.alignment` is added where it is needed.
    ///   - tensors: the tensors.
    ///   - alignment: the multiple at which tensors begin, in bytes.
    public init(
        metadata: [(key: String, value: GGUFValue)], tensors: [GGUFOutputTensor], alignment: Int = 32
    ) {
        self.metadata = metadata
        self.tensors = tensors
        self.alignment = alignment
    }

    /// Writes the file, completely or not at all.
    ///
    /// - Throws: ``GGUFError`` where the format does not allow a key, a tensor or a value; `FileError`; what a tensor's
    ///   source throws.
    public func write(to location: some FileLocation) throws {
        let path = location.plainPath
        let sizes = try checked(path)
        var header = GGUFBytes()
        header.append(GGUFHeader.magic)
        header.append(UInt32(3))
        header.append(UInt64(tensors.count))
        var metadata = metadata
        if alignment != GGUFHeader.usualAlignment {
            metadata.append((GGUFHeader.alignmentKey, .uint32(UInt32(alignment))))
        }
        header.append(UInt64(metadata.count))
        for (key, value) in metadata {
            header.append(key)
            header.append(value.type.rawValue)
            header.append(value)
        }
        var offset = 0
        for (tensor, size) in zip(tensors, sizes) {
            header.append(tensor.name)
            header.append(UInt32(tensor.shape.count))
            for size in tensor.shape.reversed() { header.append(UInt64(size)) }
            header.append(tensor.type.rawValue)
            header.append(UInt64(offset))
            offset += padded(size)
        }
        try AtomicFile.write(to: location) { writer in
            try writer.write(header.bytes)
            if !tensors.isEmpty { try writer.write(padding(header.bytes.count)) }
            for (tensor, size) in zip(tensors, sizes) {
                try TensorWriting(
                    tensor: tensor, path: path, threads: threads, floatsAtOnce: Self.floatsAtOnce
                )
                .write(to: writer)
                try writer.write(padding(size))
            }
        }
    }

    private func padded(_ size: Int) -> Int { (size + alignment - 1) / alignment * alignment }

    private func padding(_ size: Int) -> [UInt8] { [UInt8](repeating: 0, count: padded(size) - size) }

    /// The tensors' sizes in bytes, if all is as the format wants it.
    private func checked(_ path: String) throws -> [Int] {
        guard alignment > 0, alignment & (alignment - 1) == 0, alignment <= 1 << 20 else {
            throw GGUFError(path, "an alignment of \(alignment) is no power of two up to 1048576")
        }
        var keys: Set<ExactName> = [ExactName(GGUFHeader.alignmentKey)]
        for (key, _) in metadata {
            guard !key.isEmpty, key.utf8.count <= GGUFHeader.longestName else {
                throw GGUFError(path, key: key, "a key has 1 to \(GGUFHeader.longestName) bytes")
            }
            guard keys.insert(ExactName(key)).inserted else {
                throw GGUFError(path, key: key, "is given twice, or is the writer's own")
            }
        }
        var names: Set<ExactName> = []
        return try tensors.map { tensor in
            func failure(_ reason: String) -> GGUFError { GGUFError(path, tensor: tensor.name, reason) }
            guard (1...Self.longestName).contains(tensor.name.utf8.count) else {
                throw failure("a name has 1 to \(Self.longestName) bytes")
            }
            guard names.insert(ExactName(tensor.name)).inserted else { throw failure("is given twice") }
            guard tensor.shape.count <= GGUFHeader.mostAxes, tensor.shape.allSatisfy({ $0 >= 0 }) else {
                throw failure(
                    "its shape \(tensor.shape) must have at most \(GGUFHeader.mostAxes) sizes of at least 0")
            }
            guard tensor.type.isWritable else {
                let known = GGUFTensorType.allCases.filter(\.isWritable).map(\.name).joined(separator: ", ")
                throw failure("type \(tensor.type.name) cannot be written; use one of \(known)")
            }
            if case .search(let importance?) = tensor.rounding, importance.count != tensor.shape.last ?? 1 {
                throw failure(
                    "its rows have \(tensor.shape.last ?? 1) elements, but the importance is given of \(importance.count)"
                )
            }
            switch GGUFTensorInfo.byteCount(tensor.type, shape: tensor.shape) {
            case .failure(let problem): throw failure(problem.reason)
            case .success(let size): return size
            }
        }
    }
}
