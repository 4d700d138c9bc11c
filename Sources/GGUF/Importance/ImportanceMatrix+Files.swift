import Storage

extension ImportanceMatrix {
    private static let typeKey = "general.type"
    private static let typeName = "imatrix"
    private static let datasetsKey = "imatrix.datasets"
    private static let chunksKey = "imatrix.chunk_count"
    private static let sizeKey = "imatrix.chunk_size"
    private static let squaresSuffix = ".in_sum2"
    private static let countSuffix = ".counts"

    /// Reads a file that llama.cpp's `llama-imatrix` or ``write(to:)`` made: GGUF, or the older form of its own.
    ///
    /// - Throws: ``GGUFError``, which names the file and the tensor at fault; `FileError` if there is no such file.
    public init(contentsOf location: some FileLocation) throws {
        let file = try MappedFile(location)
        let path = location.plainPath
        let isGGUF = file.bytes.count >= 4 && file.bytes.prefix(4).elementsEqual(GGUFHeader.magic)
        self = try isGGUF ? Self.read(GGUFFile(contentsOf: location)) : Self.readOld(file.bytes, path: path)
        guard !entries.isEmpty else {
            throw GGUFError(path, "has the importance of no tensor; make it again")
        }
    }

    private static func read(_ file: GGUFFile) throws -> ImportanceMatrix {
        guard file[typeKey]?.stringValue == typeName else {
            throw GGUFError(
                file.path, key: typeKey,
                "is not \(quoted(typeName)); give a file that llama-imatrix or `distill export --calibrate` made"
            )
        }
        var matrix = ImportanceMatrix(
            datasets: file[datasetsKey]?.arrayValue?.strings ?? [],
            chunks: max(0, file[chunksKey]?.intValue ?? 0), chunkSize: max(0, file[sizeKey]?.intValue ?? 0))
        for info in file.tensors where info.name.hasSuffix(squaresSuffix) {
            let name = String(info.name.dropLast(squaresSuffix.count))
            guard let counts = file.info(name + countSuffix) else {
                throw GGUFError(
                    file.path, tensor: name + countSuffix, "is missing; the file is damaged, make it again")
            }
            guard info.rows == 1, counts.elementCount == 1 else {
                throw GGUFError(
                    file.path, tensor: info.name,
                    "has the shape \(info.shape): it is of a model with experts, which is not supported")
            }
            guard info.type == .f32, counts.type == .f32 else {
                throw GGUFError(file.path, tensor: info.name, "must be F32; make the file again")
            }
            let squares = try floats(file, info.name)
            let count = try floats(file, counts.name)[0]
            matrix.entries[name] = try entry(name, squares, count, path: file.path)
        }
        return matrix
    }

    private static func floats(_ file: GGUFFile, _ name: String) throws -> [Float] {
        let bytes = try file.bytes(of: name)
        return (0..<bytes.count / 4).map {
            Float(
                bitPattern: UInt32(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
    }

    /// The form before GGUF: the number of entries, of each its name, the number of calls, and for each column the mean of
    /// squares times that number; then the number of pieces and the file of the texts.
    ///
    /// Source: llama.cpp, `tools/imatrix/imatrix.cpp`.
    private static func readOld(_ bytes: UnsafeRawBufferPointer, path: String) throws -> ImportanceMatrix {
        guard !GitLFSPointer.isPointer(bytes) else { throw GGUFError(path, GitLFSPointer.advice) }
        var cursor = GGUFCursor(bytes, path: path)
        func count(_ what: String, smallest: Int) throws -> Int {
            let number = Int(try cursor.integer(Int32.self, what))
            guard number > 0, number <= cursor.remaining / smallest else {
                throw GGUFError(
                    path,
                    "\(what) is \(number) with \(cursor.remaining) bytes behind it; it is no importance matrix, or damaged"
                )
            }
            return number
        }
        var matrix = ImportanceMatrix()
        for index in 0..<(try count("the number of entries", smallest: 13)) {
            let length = try count("the length of the name of entry \(index)", smallest: 1)
            let characters = try cursor.integers(UInt8.self, count: length, "the name of entry \(index)")
            guard let name = String(validating: characters, as: UTF8.self) else {
                throw GGUFError(path, "the name of entry \(index) is not UTF-8; the file is damaged")
            }
            let calls = try cursor.integer(Int32.self, "the number of calls of \(quoted(name))")
            let columns = try count("the number of columns of \(quoted(name))", smallest: 4)
            let squares = try cursor.integers(UInt32.self, count: columns, "the columns of \(quoted(name))")
                .map(Float.init(bitPattern:))
            guard matrix.entries[name] == nil else {
                throw GGUFError(path, tensor: name, "is there twice; the file is damaged")
            }
            matrix.entries[name] = try entry(name, squares, Float(calls), path: path)
        }
        // Files of before 2024 end here.
        guard cursor.remaining >= 8 else { return matrix }
        matrix.chunks = max(0, Int(try cursor.integer(Int32.self, "the number of pieces")))
        let length = Int(try cursor.integer(Int32.self, "the length of the texts' name"))
        guard length >= 0, length <= cursor.remaining else {
            throw GGUFError(path, "the length of the texts' name is \(length); the file is damaged")
        }
        let characters = try cursor.integers(UInt8.self, count: length, "the texts' name")
        if let name = String(validating: characters, as: UTF8.self) { matrix.datasets = [name] }
        return matrix
    }

    private static func entry(
        _ name: String, _ squares: [Float], _ count: Float, path: String
    ) throws -> Entry {
        guard count.isFinite, count >= 0 else {
            throw GGUFError(path, tensor: name, "its number of inputs is \(count); the file is damaged")
        }
        if let place = squares.firstIndex(where: { !($0 >= 0 && $0 < .infinity) }) {
            throw GGUFError(
                path, tensor: name,
                "the sum of squares of column \(place) is \(squares[place]), no number of at least 0; make the matrix again"
            )
        }
        return Entry(squares: squares, count: count)
    }

    /// Writes the matrix as llama.cpp does, as GGUF.
    ///
    /// - Throws: ``GGUFError`` for a name that is too long; `FileError`.
    public func write(to location: some FileLocation) throws {
        let tensors = entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.flatMap {
            name, entry in
            [
                GGUFOutputTensor(
                    name: name + Self.squaresSuffix, type: .f32, shape: [1, entry.squares.count],
                    values: entry.squares),
                GGUFOutputTensor(
                    name: name + Self.countSuffix, type: .f32, shape: [1, 1], values: [entry.count]),
            ]
        }
        try GGUFWriter(
            metadata: [
                (Self.typeKey, .string(Self.typeName)), (Self.datasetsKey, .array(.string(datasets))),
                (Self.chunksKey, .uint32(UInt32(clamping: chunks))),
                (Self.sizeKey, .uint32(UInt32(clamping: chunkSize))),
            ], tensors: tensors
        ).write(to: location)
    }
}
