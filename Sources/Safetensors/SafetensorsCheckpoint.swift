import JSON
import Storage

/// All tensors of a model: one safetensors file, or shards with an index file.
public struct SafetensorsCheckpoint: Sendable {
    /// The files, in the order of their names.
    public let files: [SafetensorsFile]

    /// The path that errors name: the file, or the index of the shards.
    private let path: String
    private let fileOfTensor: [TensorName: Int]

    /// The name of a file that holds a whole model.
    public static let fileName = "model.safetensors"
    /// The name of the index of a sharded model.
    public static let indexFileName = "model.safetensors.index.json"

    /// Opens the model in a directory: `model.safetensors`, or else the shards that
    /// `model.safetensors.index.json` names.
    ///
    /// - Parameter directory: the model's directory.
    /// - Throws: ``SafetensorsError``; `FileError` or `JSONError` if a file cannot be read.
    public init(directory: some FileLocation) throws {
        let single = directory.entry(Self.fileName)
        let index = directory.entry(Self.indexFileName)
        let directoryPath = directory.filePath
        switch FileKind(directory) {
        case .missing: throw FileError.missing(directoryPath)
        case .regular, .other: throw FileError.notADirectory(directoryPath)
        case .directory: break
        }

        if single.fileExists {
            try self.init(file: single)
        } else if index.fileExists {
            try self.init(index: index)
        } else {
            throw SafetensorsError(
                directoryPath,
                "has neither \(Self.fileName) nor \(Self.indexFileName); save the model with "
                    + "save_pretrained(…, safe_serialization=True)")
        }
    }

    /// Opens a single file as a whole model.
    ///
    /// - Parameter file: the file.
    /// - Throws: ``SafetensorsError``, or `FileError` if the file cannot be read.
    public init(file: some FileLocation) throws {
        let file = try SafetensorsFile(contentsOf: file)
        files = [file]
        path = file.path
        fileOfTensor = Dictionary(
            file.tensors.map { (TensorName($0.name), 0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Opens the shards that an index file names.
    ///
    /// - Parameter index: `{"metadata": …, "weight_map": {tensor: file}}`; the shards are beside it.
    /// - Throws: ``SafetensorsError`` unless index and shards agree; `FileError` or `JSONError` if a file
    ///   cannot be read.
    public init(index: some FileLocation) throws {
        path = index.filePath
        let shardOfTensor = try Self.weightMap(path)
        let shardNames = Set(shardOfTensor.map(\.shard)).sorted()

        var files: [SafetensorsFile] = []
        var fileOfTensor: [TensorName: Int] = [:]
        for shard in shardNames {
            let file: SafetensorsFile
            do {
                file = try SafetensorsFile(contentsOf: index.neighbor(shard))
            } catch FileError.missing {
                throw SafetensorsError(path, "names the shard \(quoted(shard)), which is missing; fetch it")
            }
            for tensor in file.tensors {
                if let other = fileOfTensor.updateValue(files.count, forKey: TensorName(tensor.name)) {
                    throw SafetensorsError(
                        path, tensor: tensor.name,
                        "is in two shards: \(quoted(shardNames[other])) and \(quoted(shard))")
                }
            }
            files.append(file)
        }
        for (tensor, shard) in shardOfTensor {
            guard let found = fileOfTensor[TensorName(tensor)], shardNames[found] == shard else {
                throw SafetensorsError(path, tensor: tensor, "is not in its shard \(quoted(shard))")
            }
        }
        if fileOfTensor.count > shardOfTensor.count {
            let listed = Set(shardOfTensor.map { TensorName($0.tensor) })
            let extra = fileOfTensor.keys.filter { !listed.contains($0) }.map(\.string).sorted()
            throw SafetensorsError(
                path, tensor: extra.first, "is in a shard, but not in the index's \"weight_map\"")
        }
        self.files = files
        self.fileOfTensor = fileOfTensor
    }

    private static func weightMap(_ path: String) throws -> [(tensor: String, shard: String)] {
        let json = try JSONValue.load(contentsOf: path)
        guard let map = json.objectValue?["weight_map"]?.objectValue else {
            throw SafetensorsError(path, "must be an object with an object \"weight_map\"")
        }
        guard !map.isEmpty else { throw SafetensorsError(path, "\"weight_map\" names no tensor") }
        return try map.map { tensor, value in
            guard let shard = value.stringValue else {
                throw SafetensorsError(
                    path, tensor: tensor, "its shard must be a file name, not \(value.typeName)")
            }
            // The name comes from the file, so it must not lead anywhere else.
            let isPlain =
                !shard.isEmpty && shard != "." && shard != ".."
                && !shard.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 == 0 }
            guard isPlain else {
                throw SafetensorsError(
                    path, tensor: tensor,
                    "its shard \(quoted(shard)) must be the plain name of a file beside the index")
            }
            return (tensor, shard)
        }
    }
}

extension SafetensorsCheckpoint {
    /// The names of all tensors, file by file.
    public var names: [String] { files.flatMap { $0.tensors.map(\.name) } }

    /// All tensors, file by file.
    public var tensors: [TensorInfo] { files.flatMap(\.tensors) }

    /// Returns the description of a tensor, or `nil` if there is no tensor of that name.
    public func info(_ name: String) -> TensorInfo? {
        fileOfTensor[TensorName(name)].flatMap { files[$0].info(name) }
    }

    /// Gives back the memory of what has been read; it is read from the files again when it is needed. What was written
    /// to the memory is lost.
    public func releasePages() { for file in files { file.releasePages() } }

    /// The bytes of a tensor; see ``SafetensorsFile/bytes(of:)``.
    ///
    /// - Returns: memory that is valid while this value, or a copy of it, lives.
    /// - Throws: ``SafetensorsError`` if there is no tensor of that name.
    public func bytes(of name: String) throws -> UnsafeRawBufferPointer {
        guard let file = fileOfTensor[TensorName(name)] else {
            throw SafetensorsError(path, tensor: name, "is not in this checkpoint")
        }
        return try files[file].bytes(of: name)
    }

    /// Calls a body with the bytes of a tensor, during which the files stay mapped whatever becomes of this checkpoint.
    ///
    /// - Throws: As ``bytes(of:)``, and what the body throws.
    public func withBytes<Result>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try withExtendedLifetime(files) { try body(bytes(of: name)) }
    }
}
