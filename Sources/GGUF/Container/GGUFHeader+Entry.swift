extension GGUFHeader {
    /// A tensor's entry as the file has it.
    struct Entry {
        let name: String
        let type: GGUFTensorType
        let shape: [Int]
        let byteCount: Int
        let offset: UInt64

        /// The entry with the place of the tensor's bytes in the file.
        func info(dataStart: Int, fileSize: Int, path: String) throws -> GGUFTensorInfo {
            // Within a file, of whose size there is an `Int`.
            let room = UInt64(max(0, fileSize - dataStart))
            guard offset <= room, UInt64(byteCount) <= room - offset else {
                throw GGUFError(
                    path, tensor: name,
                    "its \(byteCount) bytes at offset \(offset) reach beyond the \(room) bytes of data; the file is "
                        + "truncated, fetch it again")
            }
            let start = dataStart + Int(offset)
            return GGUFTensorInfo(name: name, type: type, shape: shape, byteRange: start..<start + byteCount)
        }
    }

    static func entry(_ cursor: inout GGUFCursor, index: Int) throws -> Entry {
        let path = cursor.path
        let name = try cursor.string("the name of tensor \(index)")
        guard !name.isEmpty, name.utf8.count <= longestName else {
            throw GGUFError(
                path, "the name of tensor \(index) is \(name.utf8.count) bytes long; the file is damaged")
        }
        let what = "the entry of tensor \(quoted(name))"
        let axes = try cursor.integer(UInt32.self, what)
        guard axes <= mostAxes else {
            throw GGUFError(
                path, tensor: name,
                "has \(axes) axes, where GGUF knows at most \(mostAxes); the file is damaged")
        }
        let sizes = try cursor.integers(UInt64.self, count: Int(axes), what)
        let shape = sizes.reversed().compactMap { Int(exactly: $0) }
        let number = try cursor.integer(UInt32.self, what)
        let offset = try cursor.integer(UInt64.self, what)
        guard let type = GGUFTensorType(rawValue: number) else {
            let known = GGUFTensorType.allCases.filter(\.isReadable).map(\.name).joined(separator: ", ")
            throw GGUFError(
                path, tensor: name,
                "its type \(GGUFTensorType.removed[number].map { "\($0) " } ?? "")(number \(number)) is not supported; "
                    + "convert the model to one of \(known)")
        }
        guard shape.count == sizes.count else {
            throw GGUFError(path, tensor: name, "its shape \(sizes) has too many elements")
        }
        switch GGUFTensorInfo.byteCount(type, shape: shape) {
        case .failure(let problem): throw GGUFError(path, tensor: name, problem.reason)
        case .success(let count):
            return Entry(name: name, type: type, shape: shape, byteCount: count, offset: offset)
        }
    }
}
