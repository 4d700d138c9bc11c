import Storage

/// All tensors of a model: one GGUF file, or the files of a split one.
///
/// A split model's files are `<name>-00001-of-0000N.gguf` and so on, and the first holds the metadata.
public struct GGUFCheckpoint: Sendable {
    /// The files, in their order.
    public let files: [GGUFFile]

    private let fileOfTensor: [ExactName: Int]

    static let countKey = "split.count"
    static let numberKey = "split.no"
    static let tensorsKey = "split.tensors.count"

    /// Opens a model.
    ///
    /// - Parameter file: the file, or any one of a split model's files.
    /// - Throws: ``GGUFError`` if a file, or how the files fit together, is wrong; `FileError` if there is no such file.
    public init(file: some FileLocation) throws {
        let first = try GGUFFile(contentsOf: file)
        let count = try Self.integer(first, Self.countKey) ?? 1
        files = count <= 1 ? [first] : try Self.parts(of: first, at: file, count: count)
        var fileOfTensor: [ExactName: Int] = [:]
        for (place, file) in files.enumerated() {
            for tensor in file.tensors {
                guard fileOfTensor.updateValue(place, forKey: ExactName(tensor.name)) == nil else {
                    throw GGUFError(
                        file.path, tensor: tensor.name, "is in another file of the split model, too")
                }
            }
        }
        self.fileOfTensor = fileOfTensor
        if files.count > 1, let total = try Self.integer(files[0], Self.tensorsKey),
            total != fileOfTensor.count
        {
            throw GGUFError(
                files[0].path, key: Self.tensorsKey,
                "is \(total), but the \(files.count) files hold \(fileOfTensor.count) tensors; fetch them again"
            )
        }
    }

    /// The path that errors name: the first file's.
    public var path: String { files[0].path }

    /// The metadata, in the order of the (first) file.
    public var metadata: [(key: String, value: GGUFValue)] { files[0].metadata }

    /// The tensors, in the order of the files.
    public var tensors: [GGUFTensorInfo] { files.flatMap(\.tensors) }

    /// True if a tensor is in blocks of few bits.
    package var hasBlocks: Bool { tensors.contains { $0.type.blockSize > 1 } }

    /// Returns the value of a key, or `nil` if the model does not have it.
    public subscript(key: String) -> GGUFValue? { files[0][key] }

    /// Returns what the files say about a tensor, or `nil` if there is none of that name.
    public func info(_ name: String) -> GGUFTensorInfo? { file(of: name)?.info(name) }

    /// The bytes of a tensor; see ``GGUFFile/bytes(of:)``.
    ///
    /// - Throws: ``GGUFError`` if there is no tensor of that name.
    public func bytes(of name: String) throws -> UnsafeRawBufferPointer {
        try (file(of: name) ?? files[0]).bytes(of: name)
    }

    /// Gives back the memory that the bytes touched so far take up; they are read from disk again when needed.
    public func releasePages() { for file in files { file.releasePages() } }

    func file(of name: String) -> GGUFFile? { fileOfTensor[ExactName(name)].map { files[$0] } }

    private static func integer(_ file: GGUFFile, _ key: String) throws -> Int? {
        guard let value = file[key] else { return nil }
        guard let number = value.intValue, number >= 0 else {
            throw GGUFError(file.path, key: key, "must be a whole number of at least 0; the file is damaged")
        }
        return number
    }

    private static func parts(of first: GGUFFile, at location: some FileLocation, count: Int) throws
        -> [GGUFFile]
    {
        // The format has five digits.
        guard count < 100_000, let number = try integer(first, numberKey), number < count else {
            throw GGUFError(
                first.path, key: numberKey,
                "is missing or no number below \(countKey), \(count); the file is damaged")
        }
        func name(_ part: Int) -> String {
            func digits(_ number: Int) -> String { String(String(100_000 + number).dropFirst()) }
            return "-\(digits(part + 1))-of-\(digits(count)).gguf"
        }
        let own = location.fileName
        guard own.hasSuffix(name(number)) else {
            throw GGUFError(
                first.path,
                "is file \(number + 1) of a model split into \(count), so its name must end in \(quoted(name(number))); "
                    + "give the files their names back, or merge them with llama-gguf-split --merge")
        }
        let stem = String(own.dropLast(name(number).count))
        return try (0..<count).map { part in
            if part == number { return first }
            let place = location.neighbor(stem + name(part))
            guard place.fileExists else {
                throw GGUFError(
                    first.path,
                    "is part of a split model that lacks \(quoted(place.fileName)); fetch it")
            }
            let file = try GGUFFile(contentsOf: place)
            guard try integer(file, countKey) == count, try integer(file, numberKey) == part else {
                throw GGUFError(
                    file.path,
                    "is not file \(part + 1) of \(count) of the same split model; fetch the files again")
            }
            return file
        }
    }
}
