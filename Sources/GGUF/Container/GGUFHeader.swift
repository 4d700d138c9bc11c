import Storage

/// Everything before a GGUF file's data: metadata and what it says about tensors.
///
/// Source: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
struct GGUFHeader {
    let version: Int
    let metadata: [(key: String, value: GGUFValue)]
    /// The tensors in the order in which the file lists them.
    let tensors: [GGUFTensorInfo]
    let alignment: Int

    static let magic = Array("GGUF".utf8)
    static let alignmentKey = "general.alignment"
    static let usualAlignment = 32
    /// ggml's limits.
    static let mostAxes = 4
    static let longestName = 65_535

    /// Reads and checks a header.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - path: the file's name, for errors.
    /// - Throws: ``GGUFError`` unless every tensor's bytes are in the file, aligned and its own, and follow one another without gaps.
    init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        var cursor = GGUFCursor(bytes, path: path)
        version = try Self.version(&cursor)
        // A tensor's entry has at least a name's length, the number of axes, a type and an offset; a key's a length, a
        // type and a value.
        let tensorCount = try cursor.count("the number of tensors", smallest: 24)
        let keyCount = try cursor.count("the number of keys", smallest: 13)

        var metadata: [(key: String, value: GGUFValue)] = []
        var keys: Set<ExactName> = []
        for index in 0..<keyCount {
            let key = try Self.name(&cursor, "key \(index)")
            guard keys.insert(ExactName(key)).inserted else {
                throw GGUFError(
                    path, key: key, "is there twice; the file is damaged, convert the model again")
            }
            metadata.append((key, try cursor.value(of: key)))
        }
        self.metadata = metadata
        alignment = try Self.alignment(metadata, path: path)

        let entries = try (0..<tensorCount).map { try Self.entry(&cursor, index: $0) }
        var start = cursor.offset
        if !entries.isEmpty {
            let padding = (alignment - start % alignment) % alignment
            start += padding
        }
        let (place, end) = (start, bytes.count)
        tensors = try entries.map { try $0.info(dataStart: place, fileSize: end, path: path) }
        try Self.checkRanges(tensors, alignment: alignment, dataStart: start, path: path)
        try Self.checkOrder(tensors, alignment: alignment, data: start..<max(start, end), path: path)
    }

    private static func version(_ cursor: inout GGUFCursor) throws -> Int {
        let (bytes, path) = (cursor.bytes, cursor.path)
        guard !GitLFSPointer.isPointer(bytes) else { throw GGUFError(path, GitLFSPointer.advice) }
        guard bytes.count >= 8 else {
            throw GGUFError(path, "is only \(bytes.count) bytes long; it is truncated or not a GGUF file")
        }
        for byte in magic where try cursor.integer(UInt8.self, "the first bytes") != byte {
            throw GGUFError(path, "does not begin with \"GGUF\"; it is not a GGUF file")
        }
        let version = try cursor.integer(UInt32.self, "the version")
        switch version {
        case 2, 3: return Int(version)
        case 1:
            throw GGUFError(
                path,
                "is of version 1 of GGUF, which is no longer read; convert the model again (2 and 3 are read)"
            )
        case let other where other & 0xFFFF == 0 && other != 0:
            throw GGUFError(
                path,
                "is big-endian, which is not supported; convert it with gguf-convert-endian (PyPI gguf) to little"
            )
        default:
            throw GGUFError(path, "is of version \(version) of GGUF; only 2 and 3 are read")
        }
    }

    private static func name(_ cursor: inout GGUFCursor, _ what: String) throws -> String {
        let name = try cursor.string("the name of \(what)")
        guard !name.isEmpty else { throw GGUFError(cursor.path, "\(what) has no name; the file is damaged") }
        guard name.utf8.count <= longestName else {
            throw GGUFError(
                cursor.path, "the name of \(what) is \(name.utf8.count) bytes long; the file is damaged")
        }
        return name
    }

    private static func alignment(_ metadata: [(key: String, value: GGUFValue)], path: String) throws -> Int {
        guard let value = metadata.first(where: { $0.key.utf8.elementsEqual(alignmentKey.utf8) })?.value
        else {
            return usualAlignment
        }
        guard case .uint32(let alignment) = value, alignment > 0, alignment & (alignment - 1) == 0 else {
            throw GGUFError(
                path, key: alignmentKey, "must be a power of two of type uint32; the file is damaged")
        }
        return Int(alignment)
    }

    private static func checkRanges(
        _ tensors: [GGUFTensorInfo], alignment: Int, dataStart: Int, path: String
    ) throws {
        var names: Set<ExactName> = []
        for tensor in tensors {
            guard names.insert(ExactName(tensor.name)).inserted else {
                throw GGUFError(
                    path, tensor: tensor.name, "is there twice; the file is damaged, convert the model again")
            }
            let offset = tensor.byteRange.lowerBound - dataStart
            guard offset % alignment == 0 else {
                throw GGUFError(
                    path, tensor: tensor.name,
                    "its offset \(offset) is no multiple of the alignment \(alignment); the file is damaged")
            }
        }
        let sorted = tensors.filter { !$0.byteRange.isEmpty }.sorted {
            $0.byteRange.lowerBound < $1.byteRange.lowerBound
        }
        for (first, second) in zip(sorted, sorted.dropFirst())
        where first.byteRange.upperBound > second.byteRange.lowerBound {
            throw GGUFError(
                path, tensor: second.name,
                "its bytes overlap those of tensor \(quoted(first.name)); the file is damaged, convert the model again"
            )
        }
    }

    /// Checks that tensors follow one another in the order in which they are listed, each at the first multiple of the alignment behind
    /// the one before it, as ggml's reader demands and all writers have it: a gap shows a type or a shape that is not the tensor's own.
    private static func checkOrder(
        _ tensors: [GGUFTensorInfo], alignment: Int, data: Range<Int>, path: String
    ) throws {
        var expected = 0
        for (index, tensor) in tensors.enumerated() {
            let offset = tensor.byteRange.lowerBound - data.lowerBound
            guard offset == expected else {
                guard index > 0, offset > expected else {
                    throw GGUFError(
                        path, tensor: tensor.name,
                        "begins at byte \(offset) of the data, but byte \(expected) is where the tensors before it in the file's list "
                            + "end; the file is damaged, convert the model again")
                }
                throw gap(
                    behind: tensors[index - 1], to: "tensor \(quoted(tensor.name)) begins at byte \(offset)",
                    data, path)
            }
            let end = tensor.byteRange.upperBound - data.lowerBound
            let padding = (alignment - end % alignment) % alignment
            expected = end + padding
        }
        guard let last = tensors.last, data.count - expected >= alignment else { return }
        throw gap(behind: last, to: "the file has \(data.count) bytes of data", data, path)
    }

    private static func gap(
        behind tensor: GGUFTensorInfo, to next: String, _ data: Range<Int>, _ path: String
    ) -> GGUFError {
        GGUFError(
            path, tensor: tensor.name,
            "with type \(tensor.type.name) and shape \(tensor.shape) it ends at byte \(tensor.byteRange.upperBound - data.lowerBound) of "
                + "the data, but \(next): its type or shape is not the one it was written with; the file is damaged, fetch it or convert "
                + "the model again")
    }
}
