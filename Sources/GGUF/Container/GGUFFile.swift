import Storage

/// A GGUF file, mapped into memory: a tensor's bytes are read from disk when they are first touched.
///
/// Everything that the file says about itself is checked when it is opened.
public final class GGUFFile: Sendable {
    /// The path of the file.
    public let path: String
    /// The version of the format: 2 or 3.
    public let version: Int
    /// The multiple at which tensors begin, in bytes.
    public let alignment: Int
    /// The metadata, in the order of the file.
    public let metadata: [(key: String, value: GGUFValue)]
    /// The tensors, in the order in which the file lists them.
    public let tensors: [GGUFTensorInfo]

    private let file: MappedFile
    private let keys: [ExactName: Int]
    private let names: [ExactName: Int]

    /// Opens a file.
    ///
    /// - Throws: ``GGUFError``, which names the file and the key or tensor at fault; `FileError` if there is no such file.
    public init(contentsOf location: some FileLocation) throws {
        path = location.plainPath
        file = try MappedFile(location)
        let header = try GGUFHeader(file.bytes, path: path)
        version = header.version
        alignment = header.alignment
        metadata = header.metadata
        tensors = header.tensors
        keys = Self.positions(header.metadata.map(\.key))
        names = Self.positions(header.tensors.map(\.name))
    }

    private static func positions(_ names: [String]) -> [ExactName: Int] {
        Dictionary(names.enumerated().map { (ExactName($1), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Returns the value of a key, or `nil` if the file does not have it.
    public subscript(key: String) -> GGUFValue? { keys[ExactName(key)].map { metadata[$0].value } }

    /// Returns what the file says about a tensor, or `nil` if there is none of that name.
    public func info(_ name: String) -> GGUFTensorInfo? { names[ExactName(name)].map { tensors[$0] } }

    /// The bytes of a tensor, little-endian, row after row.
    ///
    /// - Returns: memory that is valid while this object lives; it need not be aligned to the element's size.
    /// - Throws: ``GGUFError`` if there is no tensor of that name.
    public func bytes(of name: String) throws -> UnsafeRawBufferPointer {
        guard let info = info(name) else { throw GGUFError(path, tensor: name, "is not in this file") }
        return UnsafeRawBufferPointer(rebasing: file.bytes[info.byteRange])
    }

    /// Gives back the memory that the bytes touched so far take up; they are read from disk again when needed.
    public func releasePages() { file.release() }
}
